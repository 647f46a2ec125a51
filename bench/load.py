"""Load: wrk for throughput, and one paced connection where single answers are timed. Both run on the harness's core."""
import dataclasses
import json
import pathlib
import socket
import subprocess
import time

from processes import BenchError

HERE = pathlib.Path(__file__).resolve().parent
ORDER = (HERE / "order.json").read_bytes().strip()
CONNECTIONS = 64


@dataclasses.dataclass
class Load:
    requests: int
    seconds: float
    p50_us: float
    p99_us: float


def run_wrk(url, seconds, connections=CONNECTIONS):
    """Orders by POST over connections that are kept alive, as fast as they are answered; every one must be."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "order.lua"), url, "--",
               str(HERE / "order.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise BenchError(f"wrk failed: {done.stdout}{done.stderr}")
    summary = json.loads(lines[-1])
    if summary["errors"] or not summary["requests"]:
        raise BenchError(f"{url}: {summary['errors']} of {summary['requests']} requests failed")
    return Load(summary["requests"], summary["duration_us"] / 1e6, summary["p50_us"], summary["p99_us"])


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes
    ms: float  # from the first byte sent to the last one read

    def text(self):
        return self.body.decode(errors="replace")


class Client:
    """One connection that is kept alive. A context manager."""

    def __init__(self, port, timeout=30):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def get(self, path):
        return self._exchange(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())

    def post(self, path, body=ORDER):
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return self._exchange(head.encode() + body)

    def accepted(self, path="/", body=ORDER):
        """A post that must be answered 200; how long that took, in ms."""
        answer = self.post(path, body)
        if answer.status != 200:
            raise BenchError(f"answered {answer.status}: {answer.text()[:200]}")
        return answer.ms

    def _exchange(self, request):
        start = time.perf_counter_ns()
        self._socket.sendall(request)
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            head += self._receive()
        head, body = head.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self._receive()
        return Answer(int(head.split(b" ", 2)[1]), body, (time.perf_counter_ns() - start) / 1e6)

    def _receive(self):
        part = self._socket.recv(65536)
        if not part:
            raise BenchError("the connection was closed before the answer was complete")
        return part
