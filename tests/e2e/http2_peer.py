"""A client of HTTP/2 that sends any frames: no state but the socket, fields as plain literals (RFC 7541 section 6.2.2)."""
import contextlib
import socket
import struct

from harness import PATIENCE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE = 1, 4
# Huffman codes of the digits (RFC 7541 appendix B), which is all that a status needs.
DIGITS = {"00000": "0", "00001": "1", "00010": "2", **{format(0b011001 + digit - 3, "06b"): str(digit) for digit in range(3, 10)}}
KNOWN_STATUSES = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}  # of the static table


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def integer(value, bits, first=0):
    """RFC 7541 section 5.1: in the low bits of `first`, and what follows."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytes([first | most]), value - most
    while value >= 128:
        out, value = out + bytes([value % 128 | 128]), value // 128
    return out + bytes([value])


def text(value):
    return integer(len(value), 7) + value


def field(name, value, kept=False):
    """`kept`: it goes into the other side's table, as its newest, number 62."""
    return (b"\x40" if kept else b"\x00") + text(name) + text(value)


def head(path, method=b"GET", more=(), authority=b"a"):
    """A header section; `more`: pairs behind what every request has."""
    pairs = ((b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", authority), *more)
    return b"".join(field(name, value) for name, value in pairs)


def status_of(block):
    """The first field of an answer; it must not be in the table that changes."""
    at = 0
    while 0x20 <= block[at] < 0x40:  # sizes of that table
        at += 1
    if block[at] & 0x80:
        return KNOWN_STATUSES[block[at] & 0x7f]
    length, coded = block[at + 1] & 0x7f, block[at + 1] & 0x80
    value = block[at + 2:at + 2 + length]
    if not coded:
        return int(value)
    bits, digits = "".join(format(byte, "08b") for byte in value), ""
    while len(digits) < 3:
        code = next(code for code in DIGITS if bits.startswith(code))
        digits, bits = digits + DIGITS[code], bits[len(code):]
    return int(digits)


class Http2Peer:
    """One connection. `settings`: (number, value) pairs."""

    def __init__(self, port, settings=(), timeout=PATIENCE, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pairs = ((HEADER_TABLE_SIZE, 0), *settings)
        self.send(PREFACE + frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs)))
        self._data = b""
        self._next = 1

    def send(self, data):
        """False once the other side has had enough."""
        try:
            self.socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def ask(self, block, body=None):
        """A request of that header section; the number of its stream."""
        stream, self._next = self._next, self._next + 2
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if body is None else 0), stream, block) +
                  (frame(DATA, END_STREAM, stream, body) if body is not None else b""))
        return stream

    def outcome(self, stream):
        """Its status, "reset", or "gone" if the whole connection ends."""
        while (came := self.read()) is not None:
            kind, _, number, payload = came
            if kind == GOAWAY and payload[4:8] != bytes(4):
                return "gone"
            if number == stream and kind == RST_STREAM:
                return "reset"
            if number == stream and kind == HEADERS:
                return status_of(payload)
        return "gone"

    def read(self):
        """The next frame (kind, flags, stream, payload), None at the end. SETTINGS and PING are acknowledged."""
        header = self._exactly(9)
        if header is None:
            return None
        payload = self._exactly(int.from_bytes(header[:3], "big"))
        if payload is None:
            return None
        kind, flags, stream = header[3], header[4], int.from_bytes(header[5:], "big") & 0x7fffffff
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.send(frame(kind, ACK, 0, payload if kind == PING else b""))
        return kind, flags, stream, payload

    def wait_end(self):
        """All frames up to the end of the connection, which must come."""
        while self.read() is not None:
            pass

    def _exactly(self, size):
        while len(self._data) < size:
            piece = b""
            with contextlib.suppress(ConnectionError):
                piece = self.socket.recv(1 << 16)
            if not piece:
                return None
            self._data += piece
        found, self._data = self._data[:size], self._data[size:]
        return found

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
