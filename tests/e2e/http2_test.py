#!/usr/bin/env python3
"""HTTP/2 from outside: curl and h2load ask fiso-flow and fiso-link, bodies of any length pass with a flat memory."""
import contextlib
import re
import shutil
import socket
import subprocess
import threading
import unittest

from harness import ANY_PORT, LONG, PATIENCE, TestCase, flow_yaml, main, most_memory
from link_harness import Link

MIB = 1 << 20
BODY = 1024 * MIB if LONG else 64 * MIB
FLAT = 24 * MIB  # by which the most memory that a process ever had may grow


def curl(*arguments, stdin=b""):
    """What it was answered: version, status, and what it got of the body."""
    done = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE * (10 if LONG else 1)), "-w", "\n%{http_version} %{http_code} %{size_download}",
                           *arguments], input=stdin, capture_output=True, check=True)
    body, _, last = done.stdout.rpartition(b"\n")
    version, status, size = last.decode().split()
    return version, int(status), int(size), body


class Target:
    """An HTTP/1.1 server whose bodies are never in memory: GET /N gives N bytes, PUT counts what comes."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        # Whoever asked may leave in the middle.
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rb", buffering=1 << 16) as stream:
            while line := stream.readline():
                method, path, _ = line.split()
                headers = {}
                while (line := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    headers[name.lower()] = value.strip()
                if method == b"GET":
                    size = int(path[1:])
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                    block = bytes(1 << 16)
                    for start in range(0, size, len(block)):
                        connection.sendall(block[:size - start])
                    continue
                came = b"%d" % sum(self._pieces(stream, headers))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(came), came))

    @staticmethod
    def _pieces(stream, headers):
        if b"content-length" in headers:
            left = int(headers[b"content-length"])
            while left > 0 and (piece := stream.read1(min(left, 1 << 16))):
                left -= len(piece)
                yield len(piece)
            return
        while size := int(stream.readline(), 16):
            left = size
            while left > 0:
                left -= len(stream.read1(left))
            stream.readline()
            yield size
        while stream.readline() not in (b"\r\n", b""):
            pass

    def close(self):
        self._listener.close()


class Http2Case(TestCase):
    def link(self, name, port, protocol):
        files = self.directory()
        files.write("link.yaml", f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\ntargets:\n  - name: {name}\n"
                                 f"    protocol: {protocol}\n    host: 127.0.0.1\n    port: {port}\n")
        return self.closing(Link(files)).wait_ready()

    def certificate(self):
        files = self.directory()
        key, certificate = files.path / "key.pem", files.path / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
                       check=True, capture_output=True)
        return key, certificate


class Listeners(Http2Case):
    def test_a_flow_takes_events_over_http2_without_tls(self):
        flow = self.serve()
        url = f"http://127.0.0.1:{flow.port()}/orders"
        self.assertEqual(curl("--http2-prior-knowledge", "-d", '{"a":1}', url)[:2], ("2", 200))
        self.assertEqual(curl("-d", '{"a":1}', url)[:2], ("1.1", 200))
        self.assertEqual(curl("--http2", "-d", '{"a":1}', url)[:2], ("1.1", 200))  # an Upgrade to h2c is not taken up
        self.assertEqual(flow.books()[:2], (3, 3))

    def test_a_flow_with_tls_speaks_what_the_client_prefers(self):
        key, certificate = self.certificate()
        text = flow_yaml().replace(f"listenAddr: \"{ANY_PORT}\"", f"listenAddr: \"{ANY_PORT}\"\n    tls: {{certFile: {certificate}, keyFile: {key}}}")
        self.assertIn("certFile", text, "flow_yaml() has changed its shape")
        flow = self.start(self.directory(orders=text))
        url = f"https://127.0.0.1:{flow.port()}/orders"
        for flag, version in (("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")):
            self.assertEqual(curl(flag, "--cacert", str(certificate), "-d", '{"a":1}', url)[:2], (version, 200), flag)

    @unittest.skipUnless(shutil.which("h2load"), "there is no h2load")
    def test_every_request_of_a_burst_is_answered(self):
        flow = self.serve()
        count = 200_000 if LONG else 5000
        event = self.directory().path / "event.json"
        event.write_text('{"a":1}')
        done = subprocess.run(["h2load", "-n", str(count), "-c", "8", "-m", "64", "-H", "content-type: application/json", "-d", str(event),
                               f"http://127.0.0.1:{flow.port()}/orders"], capture_output=True, check=True)
        self.assertIn(f"{count} succeeded, 0 failed, 0 errored".encode(), done.stdout)
        self.assertEqual(flow.books()[:2], (count, count))


class Bodies(Http2Case):
    def test_bodies_of_any_length_pass_both_ways_with_a_flat_memory(self):
        target = self.closing(Target())
        inner = self.link("target", target.port, "http")
        outer = self.link("inner", inner.port(), "grpc")  # over HTTP/2 to the inner one
        for version in ("--http1.1", "--http2-prior-knowledge"):
            url = f"http://127.0.0.1:{outer.port()}/link/inner/link/target"
            curl(version, f"{url}/1")  # both are warm
            before = [most_memory(link.process) for link in (inner, outer)]
            self.assertEqual(curl(version, "-o", "/dev/null", f"{url}/{BODY}")[1:3], (200, BODY))
            sender = subprocess.Popen(["head", "-c", str(BODY), "/dev/zero"], stdout=subprocess.PIPE)
            upload = subprocess.run(["curl", "-sS", version, "--max-time", "600", "-H", "Expect:", "-T", "-", f"{url}/"], stdin=sender.stdout,
                                    capture_output=True, check=True)
            sender.stdout.close()
            sender.wait()
            self.assertEqual(int(upload.stdout), BODY)
            for link, most in zip((inner, outer), before):
                self.assertLess(most_memory(link.process) - most, FLAT, version)

    def test_a_slow_reader_of_one_stream_holds_nobody_up(self):
        target = self.closing(Target())
        inner = self.link("target", target.port, "http")
        outer = self.link("inner", inner.port(), "grpc")
        url = f"http://127.0.0.1:{outer.port()}/link/inner/link/target"
        before = most_memory(outer.process)
        slow = subprocess.Popen(["curl", "-sS", "--http2-prior-knowledge", "--limit-rate", "64k", "-o", "/dev/null", f"{url}/{256 * MIB}"])
        try:
            for _ in range(20):
                self.assertEqual(curl("--http2-prior-knowledge", "-o", "/dev/null", f"{url}/{MIB}")[1:3], (200, MIB))
            self.assertIsNone(slow.poll())
        finally:
            slow.kill()
            slow.wait()
        self.assertLess(most_memory(outer.process) - before, FLAT)


if __name__ == "__main__":
    main()
