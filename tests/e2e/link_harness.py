"""What the tests of fiso-link share: the program as a process, and a service that it reaches."""
import http.server
import os
import ssl
import subprocess
import threading

from harness import ANY_PORT, SOURCE, Flow, TestCase

FISO_LINK = os.environ.get("FISO_LINK", str(SOURCE / "tmp/fiso-link"))
FISO_WASMER_LINK = os.environ.get("FISO_WASMER_LINK", str(SOURCE / "tmp/fiso-wasmer-link"))
QUICK = "    retry: {initialInterval: 1ms, jitter: 0}\n"


class Link(Flow):
    """A running fiso-link, or what has its command line."""

    def __init__(self, directory, *flags, program=FISO_LINK, **env):
        self._start([program, "-config", str(directory.path / "link.yaml"), *flags], env)

    def port(self, address=ANY_PORT):
        return self.wait_log("fiso-link started")[0]["port"]


class Service:
    """What a target is: an HTTP server. `answer(request)` gives (status, headers, body), or None to close the connection; a body of None
    has no length either."""

    def __init__(self, answer=lambda asked: (200, {}, b"hello")):
        self.asked = []
        self.answer = answer
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body}
                service.asked.append(asked)
                answer = service.answer(asked)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                length = {} if content is None else {"Content-Length": str(len(content))}
                for name, value in {**headers, **length}.items():
                    self.send_header(name, value)
                self.end_headers()
                if content and self.command != "HEAD":
                    self.wfile.write(content)

            do_TRACE = do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wrap(self, context):
        """From now on it speaks TLS."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def headers(self, number=-1):
        return {name.lower(): value for name, value in self.asked[number]["headers"]}

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Certificate:
    """One for 127.0.0.1 that signs itself, in files."""

    def __init__(self, folder):
        self.file, self.key = folder / "certificate", folder / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.file], check=True, capture_output=True)

    def wrap(self, service):
        """The service speaks TLS with it from now on. Gives the file to trust."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        service.wrap(context)
        return self.file


class LinkCase(TestCase):
    def certificate(self):
        return Certificate(self.directory().path)

    def service(self, answer=lambda asked: (200, {}, b"hello")):
        return self.closing(Service(answer))

    @staticmethod
    def link_yaml(*targets, more="", protocol="http"):
        """Each target: (name, port, further lines of YAML)."""
        text = f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\n{more}targets:\n"
        for name, port, lines in targets:
            text += f"  - name: {name}\n    protocol: {protocol}\n    host: 127.0.0.1\n    port: {port}\n{lines}"
        return text

    def link(self, *targets, more="", protocol="http", **env):
        self.files = self.directory()
        self.files.write("link.yaml", self.link_yaml(*targets, more=more, protocol=protocol))
        link = self.closing(Link(self.files, **env))
        return link.wait_ready()

    def requests_total(self, link, **labels):
        return link.metric("fiso_link_requests_total", **labels)
