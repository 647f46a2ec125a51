"""What the end-to-end tests share: fiso-flow as a process, an HTTP sink, HTTP clients.

Ports are the kernel's choice (`127.0.0.1:0`) and read from the log; nothing waits without a deadline, and no deadline is a
verdict: what it guards is an event that must come.
"""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FISO_FLOW = os.environ.get("FISO_FLOW", str(SOURCE / "tmp/fiso-flow"))
FISO_FLOW_WASMER = os.environ.get("FISO_FLOW_WASMER", str(SOURCE / "tmp/fiso-flow-wasmer"))
FISO_WASMER = os.environ.get("FISO_WASMER", str(SOURCE / "tmp/fiso-wasmer"))
FISO_WASMER_HOST = os.environ.get("FISO_WASMER_HOST", str(SOURCE / "tmp/fiso-wasmer-host"))
FISO = os.environ.get("FISO", str(SOURCE / "tmp/fiso"))
GUESTS = pathlib.Path(os.environ.get("FISO_GUESTS", SOURCE / "build/release/guests"))
LONG = os.environ.get("FISO_LONG") == "1"
IN_IMAGES = os.environ.get("E2E_MODE") == "docker"  # the programs are those of images: tools/e2e.sh
PATIENCE = 60  # seconds until something that must happen counts as never happening
ANY_PORT = "127.0.0.1:0"
SKIPPED = 77

_cache = tempfile.TemporaryDirectory(prefix="fiso-e2e-cache-")


def guest(name):
    return str(GUESTS / f"{name}.wasm")


def repeats(usual, long):
    return long if LONG else usual


def poll(what, condition, patience=PATIENCE):
    """The condition's first true value."""
    deadline = time.monotonic() + patience
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: never within {patience} s")
        time.sleep(0.01)


def environment(**changes):
    """Ours without what would configure the programs; None removes a variable."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FISO_", "OTEL_"))}
    env.update(FISO_METRICS_ADDR=ANY_PORT, FISO_CACHE_DIR=_cache.name, FISO_WASMER_HOST=FISO_WASMER_HOST)
    env.update(changes)
    return {name: str(value) for name, value in env.items() if value is not None}


def run(program, *arguments, env=None, cwd=None, stdin=b""):
    """A program that ends by itself."""
    return subprocess.run([program, *map(str, arguments)], env=env or environment(), cwd=cwd, input=stdin, capture_output=True,
                          timeout=PATIENCE, check=False)


def flow_yaml(name="orders", *, path="/orders", address=ANY_PORT, sink="  type: discard", module=None, interceptor="", more=""):
    """A flow file. `interceptor` and `sink` are lines of YAML, indented as they belong there."""
    text = f"name: {name}\nsource:\n  type: http\n  config:\n    listenAddr: \"{address}\"\n    path: {path}\n"
    if module:
        text += f"interceptors:\n  - type: wasm\n    config:\n      module: {module}\n{interceptor}"
    return text + f"sink:\n{sink}\n{more}"


def http_sink(url, more=""):
    return f"  type: http\n  config:\n    url: {url}\n{more}"


class Directory:
    """A directory of flow files."""

    def __init__(self, **files):
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-e2e-")
        os.chmod(self._folder.name, 0o755)  # the user of an image is another one
        self.path = pathlib.Path(self._folder.name) / "flows"
        self.path.mkdir()
        for name, text in files.items():
            self.write(f"{name}.yaml", text)

    def write(self, name, text):
        """One change of the directory: the file appears in it whole."""
        aside = self.path.parent / f"{name}.new"
        aside.write_text(text)
        aside.rename(self.path / name)

    def close(self):
        self._folder.cleanup()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()
        self.text = self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=PATIENCE):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())


def get(port, path):
    return request(port, "GET", path)


def post(port, path, body, **headers):
    payload = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return request(port, "POST", path, payload, {name.replace("_", "-"): value for name, value in headers.items()})


def answers(port, path):
    """Is there a server that answers 200?"""
    try:
        return get(port, path).status == 200
    except (OSError, http.client.HTTPException):
        return False


def end(process):
    """Kills it. What runs in a container is asked instead, since only its client would die."""
    if IN_IMAGES:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    process.kill()


class Flow:
    """A running fiso-flow."""

    def __init__(self, directory, *flags, program=FISO_FLOW, cwd=None, **env):
        path = directory.path if isinstance(directory, Directory) else directory
        self._start([program, "-config-dir", str(path), *flags], env, cwd)

    def _start(self, command, env, cwd=None):
        self.process = subprocess.Popen(command, env=environment(**env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.errors = b""
        self._threads = [threading.Thread(target=self._read_log, daemon=True), threading.Thread(target=self._read_errors, daemon=True)]
        for thread in self._threads:
            thread.start()

    def _read_log(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def log(self, message=None):
        """The log so far: its lines, or those with that message."""
        entries = []
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                entries.append(json.loads(line))
        return [entry for entry in entries if message is None or entry.get("msg") == message]

    def wait_log(self, message, count=1):
        """The lines with that message, when there are as many."""
        def found():
            self.check_alive(message)
            lines = self.log(message)
            return lines if len(lines) >= count else None
        return poll(f"log line {message!r}", found)

    def check_alive(self, waiting_for):
        if self.process.poll() is not None:
            self.wait()
            raise AssertionError(f"fiso-flow ended with {self.process.returncode} before {waiting_for!r}: {self.errors.decode()}")

    def wait_ready(self):
        self.wait_log("metrics server starting")

        def ready():
            self.check_alive("ready")
            return answers(self.admin_port, "/readyz")
        poll("ready", ready)
        return self

    @property
    def admin_port(self):
        return self.log("metrics server starting")[0]["port"]

    def port(self, address=ANY_PORT):
        return next(line["port"] for line in self.wait_log("http pool server starting") if line["addr"] == address)

    def metric(self, name, **labels):
        """The sum of the series of that name which have these labels."""
        total = 0.0
        for line in get(self.admin_port, "/metrics").text.splitlines():
            match = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name:
                found = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
                if labels.items() <= found.items():
                    total += float(match[3])
        return total

    def books(self, flow="orders"):
        """Received, delivered, rejected, in flight."""
        events = "fiso_flow_events"
        return (int(self.metric(f"{events}_received_total", flow=flow)), int(self.metric(f"{events}_total", flow=flow, status="delivered")),
                int(self.metric(f"{events}_total", flow=flow, status="rejected")), int(self.metric(f"{events}_in_flight", flow=flow)))

    def reload_state(self):
        return get(self.admin_port, "/reload").json()

    def signal(self, number):
        self.process.send_signal(number)

    def children(self):
        """Processes that it started and that are still there."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid:
                    found.append(int(stat.parent.name))
        return found

    def wait(self):
        """Its exit code, when it has ended by itself."""
        code = self.process.wait(timeout=PATIENCE)
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def close(self):
        if self.process.poll() is None:
            end(self.process)
            self.wait()


def descendants(pid):
    """Processes that came from it and are still there."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(stat.parent.name)] = int(fields[1])
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    return found - {pid}


class Sink:
    """An HTTP server that keeps what it gets; `answer(body)` says how it answers: a status, or (status, headers)."""

    def __init__(self, answer=lambda body: 200):
        self.received = []
        self.answer = answer
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = sink.answer(body)
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                sink.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/in"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def events(self):
        return [json.loads(body) for _, _, body in self.received]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class ReservedPort:
    """A free port that nobody else is given, while a server with SO_REUSEADDR may listen on it, one after the other."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def listen(self):
        """Now it is in use."""
        self._socket.listen()

    def close(self):
        self._socket.close()


class TestCase(unittest.TestCase):
    """Closes what the test made, the last first, and shows the end of the log when it failed."""

    def closing(self, thing):
        self.addCleanup(thing.close)
        return thing

    def directory(self, **files):
        return self.closing(Directory(**files))

    def sink(self, answer=lambda body: 200):
        return self.closing(Sink(answer))

    def start(self, directory, *flags, **env):
        flow = self.closing(Flow(directory, *flags, **env))
        return flow.wait_ready()

    def serve(self, *flags, settings=None, **arguments):
        """One flow, running; `arguments` are those of flow_yaml()."""
        directory = self.directory(orders=flow_yaml(**arguments))
        if settings:
            directory.write("fiso.yaml", settings)
        return self.start(directory, *flags)

    def assert_stops(self, flow):
        self.assertEqual(flow.stop(), 0, flow.log()[-5:])


def most_memory(process):
    """Of a process that runs: the most it ever had resident, in bytes."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def large_module(functions=20000):
    """A command that takes the compiler seconds: many functions of many additions each, and a `_start` that does nothing."""
    def leb(number):
        out = b""
        while True:
            number, low = number >> 7, number & 0x7F
            out += bytes([low | (0x80 if number else 0)])
            if not number:
                return out

    def section(number, content):
        return bytes([number]) + leb(len(content)) + content

    def vector(items):
        return leb(len(items)) + b"".join(items)

    body = b"\x00" + b"\x20\x00" + b"\x20\x00\x6a\x41\x07\x6c" * 100 + b"\x0b"  # x = (x + x0) * 7, a hundred times
    code = [b"\x02\x00\x0b"] + [leb(len(body)) + body] * functions
    return b"\0asm\1\0\0\0" + b"".join((
        section(1, vector([b"\x60\x00\x00", b"\x60\x01\x7f\x01\x7f"])), section(3, vector([b"\x00"] + [b"\x01"] * functions)),
        section(5, vector([b"\x00\x01"])), section(7, vector([b"\x06_start\x00\x00", b"\x06memory\x02\x00"])), section(10, vector(code))))


def missing_guests(*names):
    return [name for name in names if not os.path.exists(guest(name))]


def main():
    """Like unittest.main(), but the exit code says when every test was skipped."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    shutil.rmtree(_cache.name, ignore_errors=True)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun and len(result.skipped) == result.testsRun else 0)
