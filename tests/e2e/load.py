"""Clients that keep a server busy and account for every request: answered, cut, or never sent.

A request is cut if it went out whole on an established connection and no answer came, and where the server stays, also if it could
not be sent or no connection was to be had. Where servers follow each other, such a connection is opened again and counts for nothing.
"""
import socket
import threading
import time


class Load:
    def __init__(self, port, path="/orders", body=b'{"order_id":"12345"}', clients=4, servers_change=False):
        self._request = (f"POST {path} HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        self._port = port
        self._servers_change = servers_change
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.statuses = {}
        self.cut = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    @property
    def answered(self):
        return sum(self.statuses.values())

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    close = stop

    def _run(self):
        while not self._stop.is_set():
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            except OSError as error:
                self._lost(error)
                time.sleep(0.002)  # between two servers
                continue
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._use(connection)

    def _lost(self, error):
        """Nothing was sent, or not all of it."""
        if not self._servers_change:
            with self._lock:
                self.cut.append(repr(error))

    def _use(self, connection):
        """Requests on one connection, one after the other, until the server says that it is the last."""
        while not self._stop.is_set():
            try:
                connection.sendall(self._request)
            except OSError as error:
                return self._lost(error)
            try:
                status, last = self._read_answer(connection)
            except OSError as error:
                with self._lock:
                    self.cut.append(repr(error))
                return
            with self._lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
            if last:
                return

    def _read_answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive(connection, data)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        length = next((int(field.partition(b":")[2]) for field in fields if field.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self._receive(connection, data)
        return int(head.split(b" ", 2)[1]), b"connection: close" in fields

    @staticmethod
    def _receive(connection, so_far):
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"end of the connection after {len(so_far)} bytes of the answer")
        return more
