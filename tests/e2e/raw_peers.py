"""Peers that speak in bytes: a client that sends what it likes, and an upstream that answers what its script says.

The upstream reads requests as strictly as they are allowed to be written: whatever two servers might take for different requests
is a fault in `faults`, however it came about.
"""
import contextlib
import re
import socket
import struct
import threading

from harness import PATIENCE

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
START = re.compile(rb"[A-Z]+ /[\x21-\x7e]* HTTP/1\.1")
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})(?: [\t\x20-\x7e]*)?")


class Ambiguous(Exception):
    """Bytes that are no message as it has to be written."""


class Reader:
    """Messages out of a socket, and all that has come."""

    def __init__(self, connection):
        self.connection = connection
        self.data = bytearray()
        self.ended = False
        self._at = 0

    def _more(self):
        piece = self.connection.recv(1 << 16)
        if not piece:
            self.ended = True
            raise EOFError
        self.data += piece

    def exactly(self, size):
        while len(self.data) - self._at < size:
            self._more()
        self._at += size
        return bytes(self.data[self._at - size:self._at])

    def line(self):
        while (end := self.data.find(b"\n", self._at)) < 0:
            self._more()
        line = bytes(self.data[self._at:end + 1])
        self._at = end + 1
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Ambiguous(line)
        return line[:-2]

    def fields(self):
        found = {}
        while line := self.line():
            name, colon, value = line.partition(b":")
            if not colon or not NAME.fullmatch(name) or not VALUE.fullmatch(value):
                raise Ambiguous(line)
            name = name.decode().lower()
            if name in found and name in ("host", "content-length", "transfer-encoding"):
                raise Ambiguous(line)
            found[name] = value.strip().decode("latin-1")
        return found

    def chunks(self):
        body = b""
        while True:
            line = self.line()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", line):
                raise Ambiguous(line)
            size = int(line, 16)
            if size == 0:
                self.fields()
                return body
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Ambiguous(bytes(self.data[-40:]))

    def body(self, headers, without=b""):
        """`without`: what it is when no field tells of it; None for all until the end."""
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if length is not None and coding is not None:
            raise Ambiguous(repr(headers))
        if coding is not None:
            if coding != "chunked":
                raise Ambiguous(coding)
            return self.chunks()
        if length is None and without is None:
            with contextlib.suppress(EOFError):
                while True:
                    self._more()
            return self.exactly(len(self.data) - self._at)
        if length is None:
            return without
        if not re.fullmatch(r"\d+", length):
            raise Ambiguous(length)
        return self.exactly(int(length))


class Reply:
    """What a client got; `whole` says whether that was all of it."""

    def __init__(self, status, headers=None, body=b"", whole=True):
        self.status, self.headers, self.body, self.whole = status, headers or {}, body, whole

    def __repr__(self):
        return f"Reply({self.status}, {self.body[:80]!r}, whole={self.whole})"


class RawClient:
    """One connection."""

    def __init__(self, port, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = Reader(self.socket)

    def send(self, data):
        """Whoever refuses may have closed by now; what it said can still be read."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def reply(self, method="GET"):
        """The next one, interim ones passed over; None at the end of the connection."""
        status = 100
        while status < 200:
            try:
                line = self._reader.line()
            except (EOFError, ConnectionError):
                return None
            match = STATUS.fullmatch(line)
            if not match:
                raise Ambiguous(line)
            status = int(match[1])
            try:
                headers = self._reader.fields()
            except (EOFError, ConnectionError):
                return Reply(status, whole=False)
        try:
            bodyless = method == "HEAD" or status in (204, 304)
            return Reply(status, headers, b"" if bodyless else self._reader.body(headers, None))
        except (EOFError, ConnectionError):
            return Reply(status, headers, whole=False)

    def replies(self):
        """All up to the end of the connection, which must come."""
        found = []
        while reply := self.reply():
            found.append(reply)
        return found

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Asked:
    """A request whose head has come, and the connection to answer on."""

    def __init__(self, reader, start, headers, whole):
        self.method, self.path = start.decode().split(" ")[:2]
        self.headers = headers
        self.socket = reader.connection
        self._reader = reader
        self._whole = whole
        self._body = None

    def body(self):
        """Now that it is wanted; the request has come whole then."""
        if self._body is None:
            self._body = self._reader.body(self.headers)
            self._whole.append(self)
        return self._body

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, body=b"", status=200, fields=b""):
        self.send(b"HTTP/1.1 %d Status\r\n%sContent-Length: %d\r\n\r\n%s" % (status, fields, len(body), body))

    def reset(self):
        """Closes with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_closed(self):
        """Until the other side has closed."""
        with contextlib.suppress(OSError):
            while self.socket.recv(1 << 16):
                pass


def echo(asked):
    asked.answer(asked.body())


class Upstream:
    """A server whose `script(asked)` answers in bytes; what it returns is whether the connection ends."""

    def __init__(self, script=echo):
        self.script = script
        self.requests = []  # that came whole, in their order
        self.readers = []   # of each connection
        self.faults = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def received(self):
        """Every byte that ever came."""
        return b"\n".join(bytes(reader.data) for reader in list(self.readers))

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        reader = Reader(connection)
        self.readers.append(reader)
        # Who asked may leave at any time, and the script may have closed.
        with contextlib.suppress(OSError, EOFError), connection:
            try:
                while not self._answer(reader):
                    pass
            except Ambiguous as fault:
                self.faults.append(fault)

    def _answer(self, reader):
        start = reader.line()
        if not START.fullmatch(start):
            raise Ambiguous(start)
        asked = Asked(reader, start, reader.fields(), self.requests)
        ends = self.script(asked)
        asked.body()
        return ends

    def close(self):
        self._listener.close()
