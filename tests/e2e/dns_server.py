"""A name server of the tests: UDP on loopback, answers what a function says."""
import socket
import struct
import threading

A, AAAA = 1, 28
NO_SUCH_NAME = 3


class DnsServer:
    """`answer(name)` gives a list of (address, seconds to live), or a DNS error code."""

    def __init__(self, answer):
        self.answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, peer = self._socket.recvfrom(4096)
            if len(query) < 12:
                return  # close()
            self._socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        said = self.answer(".".join(labels))
        code, found = (said, []) if isinstance(said, int) else (0, said)
        family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
        records = []
        for address, ttl in found:
            if (":" in address) == (kind == AAAA):
                data = socket.inet_pton(family, address)
                records.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data)
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0) + query[12:at + 5] + b"".join(records)

    def close(self):
        self._socket.sendto(b"", self._socket.getsockname())
