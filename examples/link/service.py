#!/usr/bin/env python3
"""A service to call through fiso-link: it wants a token, and can be told to fail.

    examples/link/service.py PORT TOKEN

GET /hello says hello to whoever shows the token, and 401 to others; GET /fail is an error of the service, 500.
"""
import http.server
import sys


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Authorization") != f"Bearer {sys.argv[2]}":
            self.answer(401, "who are you?")
        elif self.path == "/fail":
            self.answer(500, "out of order")
        else:
            self.answer(200, "hello")

    def answer(self, status, text):
        body = f"{status} {text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
