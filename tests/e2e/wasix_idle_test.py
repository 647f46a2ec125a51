#!/usr/bin/env python3
"""Guests wait as long as their peers do: wasmer-wasix ends every blocking call after 30 s, and the worker makes it go on.

The tests that sleep: that nothing happens for 40 s is what it is about. It is run under `long` only.
"""
import socket
import threading
import time

from harness import ANY_PORT, PATIENCE, TestCase, main, request
from wasmer_standalone_test import Apps, app_yaml

IDLE = 40  # seconds
FLOOD = 64  # MiB; more than all buffers on the way hold
CALLS = ("sock", "fd")


class Idle(TestCase):
    def connect(self, port, text):
        connection = self.closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        connection.sendall(text)
        return connection

    @staticmethod
    def rest(connection):
        data = b""
        while piece := connection.recv(1 << 20):
            data += piece
        return data

    def test_an_idle_peer_is_waited_for(self):
        tcp = "    execution: longRunning\n    listen: tcp\n    memoryMB: 64\n"
        names = [f"{what}_{call}" for what in ("accept", "read", "write") for call in CALLS]
        directory = self.directory()
        apps = (app_yaml(name, f"{tcp}    args: [{name.rpartition('_')[2]}]\n", "patient") for name in names)
        directory.write("apps.yaml", "apps:\n" + "".join(apps))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        readers = [self.connect(apps.port(f"read_{call}"), b"half a ") for call in CALLS]
        writers = [self.connect(apps.port(f"write_{call}"), b"flood %d\n" % FLOOD) for call in CALLS]
        time.sleep(IDLE)
        for call in CALLS:
            self.assertEqual(self.rest(self.connect(apps.port(f"accept_{call}"), b"hello\n")), b"hello\n", call)
        for reader in readers:
            reader.sendall(b"line\n")
            self.assertEqual(self.rest(reader), b"half a line\n")
        for writer in writers:
            self.assertEqual(len(self.rest(writer)), FLOOD << 20)
        self.assertEqual((apps.log("app guest restarts"), apps.log("app stderr")), ([], []))
        self.assertEqual(apps.stop(), 0)

    def test_a_peer_that_is_slow_to_accept_is_waited_for(self):
        listener = self.closing(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # Those fill its queue; the kernel drops whoever comes now, who tries again and again.
        waiting = [self.closing(socket.socket()) for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        directory = self.directory()
        more = "    execution: longRunning\n    args: [serve]\n    timeout: 5m\n    memoryMB: 64\n"
        directory.write("apps.yaml", "apps:\n" + app_yaml("dials", more, "dial"))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        answers = []
        dial = threading.Thread(target=lambda: answers.append(request(apps.port("dials"), "GET", f"/dial:127.0.0.1:{port}", timeout=300)))
        dial.start()
        time.sleep(IDLE)
        self.assertEqual(answers, [])
        listener.settimeout(1)
        while dial.is_alive():
            try:
                self.closing(listener.accept()[0])
            except TimeoutError:
                pass
        self.assertEqual([answer.text for answer in answers], ["0"])
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
