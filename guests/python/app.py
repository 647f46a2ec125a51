"""An app: answers requests with what it got, and how many this process has answered. Plain Python, one request per line."""
import json
import os
import sys

GREETING = os.environ.get("GREETING", "hello")


def answer(request):
    if request["path"] == "/health":
        return {"status": 200}
    if request["path"] == "/file":
        return {"status": 200, "body": os.listdir(os.path.dirname(os.path.abspath(__file__)))}
    if request["path"] == "/write":
        try:
            with open(os.path.join(os.path.dirname(__file__), "written"), "w") as file:
                file.write("x")
        except OSError as error:
            return {"status": 403, "bodyText": type(error).__name__}
    if request["path"] == "/fail":
        raise ValueError("it is to fail")
    return {"status": 200, "headers": {"X-Python": "yes"},
            "body": {"greeting": GREETING, "method": request["method"], "received": request.get("body"), "served": served}}


served = 0
for line in sys.stdin:
    request = json.loads(line)
    if request["path"] != "/health":
        served += 1
    response = answer(request)
    if "id" in request:
        response["id"] = request["id"]
    print(json.dumps(response), flush=True)
