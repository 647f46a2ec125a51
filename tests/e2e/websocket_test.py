#!/usr/bin/env python3
"""WebSockets through the public port of a longRunning app, to a real guest on either engine."""
import base64
import hashlib
import os
import socket
import struct
import threading

from harness import ANY_PORT, PATIENCE, TestCase, get, main, poll
from wasmer_standalone_test import Apps, app_yaml

SERVERS = {"wasmer": "websocket_server", "wazero": "websocket_server_given"}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload, final=True):
    """One from a client, masked."""
    size = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    head += bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0xFE, size) if size < 65536 else struct.pack(">BQ", 0xFF, size)
    mask = os.urandom(4)
    stream = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


class WebSocket:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def shake_hands(self, path="/", early=b""):
        """The status, and the fields of the answer. `early` comes with the request."""
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n" + early)
        status, fields = self.head()
        if status == 101:
            assert fields["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(key + GUID).digest()).decode(), fields
            assert (fields["upgrade"].lower(), fields["connection"].lower()) == ("websocket", "upgrade"), fields
        return status, fields

    def head(self):
        status = int(self.file.readline().split()[1])
        fields = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        return status, fields

    def send(self, opcode, payload=b"", final=True):
        self.socket.sendall(frame(opcode, payload, final))

    def receive(self):
        """(opcode, payload, final), or None at the end of the connection."""
        try:
            head = self.file.read(2)
        except ConnectionResetError:
            return None
        if len(head) < 2:
            return None
        size = head[1]
        assert size < 128, "a server does not mask"
        if size > 125:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self.file.read(size), bool(head[0] & 0x80)

    def ask(self, text):
        self.send(TEXT, text)
        return self.receive()

    def end_writing(self):
        self.socket.shutdown(socket.SHUT_WR)

    def vanish(self):
        """Closes by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


class Tunnels:
    """The same on both engines."""

    engine = None

    def app(self, more="", settings=""):
        directory = self.directory()
        text = f"    runtime: {self.engine}\n    execution: longRunning\n    memoryMB: 64\n{more}"
        directory.write("apps.yaml", "apps:\n" + app_yaml("chat", text, SERVERS[self.engine]) + settings)
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        port = apps.port("chat")
        poll("the app is healthy", lambda: apps.admin("/apps").json()[0]["state"] == "healthy")
        return apps, port

    def connect(self, port):
        return self.closing(WebSocket(port))

    def open(self, port):
        web = self.connect(port)
        self.assertEqual(web.shake_hands()[0], 101)
        return web

    def count_open(self, port):
        return int(get(port, "/").text)

    def test_messages_pass_both_ways(self):
        apps, port = self.app()
        web, other = self.open(port), self.open(port)
        self.assertEqual(web.ask(b"hello"), (TEXT, b"hello", True))
        self.assertEqual(other.ask(b"other"), (TEXT, b"other", True))
        web.send(PING, b"are you there")
        self.assertEqual(web.receive(), (PONG, b"are you there", True))
        for i in range(100):
            web.send(TEXT, b"%d" % i)
        self.assertEqual([web.receive()[1] for _ in range(100)], [b"%d" % i for i in range(100)])
        self.assertEqual(self.count_open(port), 2)
        self.assertEqual(apps.stop(), 0)

    def test_what_comes_with_the_handshake_is_not_lost(self):
        apps, port = self.app()
        web = self.connect(port)
        self.assertEqual(web.shake_hands(early=frame(TEXT, b"first") + frame(TEXT, b"second"))[0], 101)
        self.assertEqual([web.receive()[1], web.receive()[1]], [b"first", b"second"])
        self.assertEqual(apps.stop(), 0)

    def test_large_and_fragmented_messages_pass_as_they_are(self):
        apps, port = self.app()
        web = self.open(port)
        pieces = [os.urandom(size) for size in (125, 126, 65535, 65536, 3_000_000)]
        frames = [(BINARY if i == 0 else 0, piece, i == len(pieces) - 1) for i, piece in enumerate(pieces)]
        got = []
        reader = threading.Thread(target=lambda: got.extend(web.receive() for _ in frames))
        reader.start()
        for one in frames:
            web.send(*one)
        reader.join(timeout=PATIENCE)
        self.assertEqual(got, frames)
        self.assertEqual(apps.stop(), 0)

    def test_a_close_of_either_side_ends_it(self):
        apps, port = self.app()
        ours, theirs = self.open(port), self.open(port)
        ours.send(CLOSE, struct.pack(">H", 1000))
        self.assertEqual(ours.receive(), (CLOSE, struct.pack(">H", 1000), True))
        self.assertIsNone(ours.receive())
        self.assertEqual(theirs.ask(b"close"), (CLOSE, struct.pack(">H", 1001), True))
        self.assertIsNone(theirs.receive())
        poll("none is left", lambda: self.count_open(port) == 0)
        self.assertEqual(apps.stop(), 0)

    def test_an_end_without_a_word_is_passed_on(self):
        apps, port = self.app()
        half, vanishes, dropped = (self.open(port) for _ in range(3))
        for web in (half, vanishes, dropped):
            self.assertEqual(web.ask(b"hello")[1], b"hello")
        half.end_writing()  # the guest sees the end, and closes
        self.assertIsNone(half.receive())
        vanishes.vanish()
        self.assertIsNone(dropped.ask(b"drop"))
        poll("the guest has seen all of them", lambda: self.count_open(port) == 0)
        self.assertEqual(apps.stop(), 0)

    def test_half_a_connection_goes_on(self):
        apps, port = self.app()
        web = self.open(port)
        web.socket.sendall(frame(TEXT, b"last words"))
        web.end_writing()
        self.assertEqual(web.receive(), (TEXT, b"last words", True))
        self.assertIsNone(web.receive())
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_dies_takes_its_tunnels_along_and_the_next_one_serves(self):
        apps, port = self.app()
        web, other = self.open(port), self.open(port)
        self.assertEqual(other.ask(b"hello")[1], b"hello")
        self.assertIsNone(web.ask(b"exit 3"))
        self.assertIsNone(other.receive())
        poll("another guest", lambda: apps.admin("/apps").json()[0]["restarts"] == 1 and get(port, "/").status == 200)
        self.assertEqual(self.open(port).ask(b"again")[1], b"again")
        self.assertEqual(apps.stop(), 0)

    def test_a_refused_handshake_is_an_ordinary_answer(self):
        apps, port = self.app()
        web = self.connect(port)
        status, fields = web.shake_hands("/no")
        self.assertEqual((status, web.file.read(int(fields["content-length"]))), (403, b"no"))
        self.assertEqual(web.shake_hands()[0], 101)  # on the same connection
        self.assertEqual(web.ask(b"hello")[1], b"hello")
        self.assertEqual(apps.stop(), 0)

    def test_a_tunnel_holds_one_of_the_places_and_gives_it_back(self):
        apps, port = self.app("    maxInFlight: 1\n")
        web, late = self.open(port), self.connect(port)
        self.assertEqual(late.shake_hands()[0], 503)
        web.send(CLOSE)
        self.assertEqual(web.receive()[0], CLOSE)
        web.close()
        poll("there is a place again", lambda: self.connect(port).shake_hands()[0] == 101)
        self.assertEqual(apps.stop(), 0)

    def test_tunnels_are_counted_and_do_not_count_as_slow_answers(self):
        apps, port = self.app()
        web = self.open(port)
        self.assertEqual(web.ask(b"close")[0], CLOSE)
        web.close()
        opened = 'fiso_app_requests_total{app="chat",status="1xx"} 1'
        poll("it is counted", lambda: opened in apps.admin("/metrics").text)
        self.assertIn('fiso_app_request_duration_seconds_count{app="chat"} 0', apps.admin("/metrics").text)
        self.assertEqual(apps.stop(), 0)

    def test_a_silent_tunnel_outlives_the_timeout_of_requests_but_not_its_own(self):
        apps, port = self.app("    timeout: 50ms\n    unhealthyThreshold: 1\n    idleTimeout: 1s\n")
        web = self.open(port)
        self.assertEqual(web.ask(b"hello")[1], b"hello")
        self.assertIsNone(web.receive())
        poll("the guest has seen it", lambda: self.count_open(port) == 0)
        self.assertFalse(apps.log("app guest restarts"))
        self.assertEqual(apps.stop(), 0)

    def test_a_stop_ends_tunnels(self):
        apps, port = self.app(settings="shutdownTimeout: 20s\n")
        silent, waiting = self.open(port), self.open(port)
        self.assertEqual(silent.ask(b"hello")[1], b"hello")
        waiting.send(TEXT, b"hush")
        self.assertEqual(waiting.ask(b"hello")[1], b"hello")
        self.assertEqual(apps.stop(), 0)
        self.assertIsNone(silent.receive())
        self.assertIsNone(waiting.receive())


class OnWasmer(Tunnels, TestCase):
    engine = "wasmer"


class OnWazero(Tunnels, TestCase):
    engine = "wazero"

    def test_a_client_that_does_not_close_is_not_waited_for(self):
        apps, port = self.app("    maxInFlight: 1\n    idleTimeout: 1h\n")
        stays = self.open(port)
        self.assertEqual(stays.ask(b"close")[0], CLOSE)
        poll("there is a place again", lambda: self.connect(port).shake_hands()[0] == 101)
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
