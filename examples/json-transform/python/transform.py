"""Adds "total", price times quantity, to each order: an event per line comes in, an answer per line goes out."""
import json
import sys

for line in sys.stdin:
    order = json.loads(line)["payload"]
    order["total"] = order["price"] * order["quantity"]
    print(json.dumps({"payload": order, "headers": {"X-Transformed-By": "Python"}}), flush=True)
