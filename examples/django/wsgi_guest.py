"""Serves a WSGI application as a guest: a request per line comes in, an answer per line goes out.

    wsgi_guest.py MODULE:CALLABLE

The application is any that speaks WSGI, and knows nothing of this.
"""
import base64
import concurrent.futures
import importlib
import io
import json
import os
import sys
import types


class InlineExecutor(concurrent.futures.Executor):
    """Runs at once what it is given: this CPython has no threads, and leaves out the module of those that have."""

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        if initializer:
            initializer(*initargs)

    def submit(self, function, /, *arguments, **more):
        future = concurrent.futures.Future()
        try:
            future.set_result(function(*arguments, **more))
        except BaseException as error:
            future.set_exception(error)
        return future


def stand_in(name, **contents):
    """Makes a module of the standard library that this CPython leaves out importable, for those who import it and then do without."""
    try:
        importlib.import_module(name)
    except ImportError:
        module = sys.modules[name] = types.ModuleType(name)
        vars(module).update(contents)


def body_of(request):
    """The bytes that were sent; those of a JSON document as it would be written here."""
    if "bodyBase64" in request:
        return base64.b64decode(request["bodyBase64"])
    body = request.get("body")
    if body is None:
        return b""
    if isinstance(body, str) and "json" not in first(request["headers"].get("Content-Type", "")):
        return body.encode()
    return json.dumps(body).encode()


def first(value):
    return value[0] if isinstance(value, list) else value


def environ_of(request):
    body = body_of(request)
    server, _, port = request["host"].rpartition(":") if ":" in request["host"] else (request["host"], "", "80")
    environ = {
        "REQUEST_METHOD": request["method"], "SCRIPT_NAME": "", "PATH_INFO": request["path"].encode().decode("latin-1"),
        "QUERY_STRING": request.get("query", ""), "SERVER_NAME": server, "SERVER_PORT": port, "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": request["host"], "REMOTE_ADDR": request["remoteAddr"].rpartition(":")[0], "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0), "wsgi.url_scheme": request["scheme"], "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }
    for name, value in request.get("headers", {}).items():
        variable = name.upper().replace("-", "_")
        joined = ("; " if variable == "COOKIE" else ", ").join(value) if isinstance(value, list) else value
        if variable != "CONTENT_LENGTH":
            environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = joined
    return environ


def answer_of(application, request):
    started = {}

    def start_response(status, headers, exc_info=None):
        started.update(status=int(status.split(" ", 1)[0]), headers=headers)

    chunks = application(environ_of(request), start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    headers = {}
    for name, value in started["headers"]:
        if name.lower() != "content-length":
            headers.setdefault(name, []).append(value.strip())
    return {"status": started["status"], "headers": headers, "bodyBase64": base64.b64encode(body).decode()}


def main():
    stand_in("concurrent.futures.thread", ThreadPoolExecutor=InlineExecutor)    # asgiref
    stand_in("multiprocessing")                                                 # Django's own tests
    for ahead in os.environ.get("IMPORT_FIRST", "").split():
        importlib.import_module(ahead)
    module, _, name = sys.argv[1].partition(":")
    application = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer_of(application, request)}), flush=True)


main()
