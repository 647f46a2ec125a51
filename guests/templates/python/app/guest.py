"""Answers /hello, and /echo with what came in: a request per line comes in, an answer per line goes out."""
import json
import sys


def answer(request):
    match request["path"]:
        case "/hello":
            return {"status": 200, "body": {"greeting": "hello"}}
        case "/echo":
            return {"status": 200, "body": {"received": request.get("body")}}
        case _:
            return {"status": 404, "body": {"error": "no such page"}}


for line in sys.stdin:
    request = json.loads(line)
    response = answer(request)
    if "id" in request:                  # of a guest that lives on: Fiso finds the request by it
        response["id"] = request["id"]
    print(json.dumps(response), flush=True)
