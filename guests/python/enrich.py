"""An interceptor: adds to each event which Python saw it, and how many this process has seen. Plain Python, one event per line."""
import json
import sys

served = 0
for line in sys.stdin:
    served += 1
    event = json.loads(line)
    payload = event["payload"]
    if payload.get("fail"):
        raise ValueError("it is to fail")
    payload["python"] = ".".join(map(str, sys.version_info[:2]))
    payload["served"] = served
    print(json.dumps({"payload": payload, "headers": {"X-Python": "yes"}}), flush=True)
