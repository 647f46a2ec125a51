"""Adds "seen": true to events that are objects, and the header X-Seen-By: an event per line comes in, an answer per line goes out."""
import json
import sys

for line in sys.stdin:
    payload = json.loads(line)["payload"]
    if isinstance(payload, dict):
        payload["seen"] = True
    print(json.dumps({"payload": payload, "headers": {"X-Seen-By": "@NAME@"}}), flush=True)
