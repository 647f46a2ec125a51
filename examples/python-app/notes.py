"""A small API in Python: notes are kept in memory. A request per line comes in, an answer per line goes out."""
import json
import os
import sys

GREETING = os.environ.get("GREETING", "hello")
notes = []


def answer(request):
    match request["method"], request["path"]:
        case "GET", "/":
            return {"body": {"greeting": GREETING, "notes": len(notes)}}
        case "GET", "/notes":
            return {"body": notes}
        case "POST", "/notes":
            notes.append(request["body"])
            return {"status": 201, "headers": {"Location": f"/notes/{len(notes)}"}, "body": {"id": len(notes)}}
        case _:
            return {"status": 404, "bodyText": "no such page\n"}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
