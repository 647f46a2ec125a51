#!/usr/bin/env python3
"""Apps whose ports are no HTTP: `listen: tcp` on both engines, and the ports of `network.listen`."""
import os
import socket
import threading

from harness import ANY_PORT, FISO_WASMER, PATIENCE, ReservedPort, TestCase, descendants, get, guest, main, poll, run
from wasmer_standalone_test import Apps, app_yaml


SERVERS = {"wasmer": "echo_server", "wazero": "echo_server_given"}


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def send(self, data):
        self.socket.sendall(data)

    def read(self, size):
        data = b""
        while len(data) < size and (piece := self.socket.recv(size - len(data))):
            data += piece
        return data

    def ask(self, data):
        self.send(data)
        return self.read(len(data))

    def rest(self):
        """What comes up to the end, a reset included."""
        data = b""
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def close(self):
        self.socket.close()


class Echo:
    engine = "wasmer"

    def echo(self, more="", settings="", module=None):
        text = f"    runtime: {self.engine}\n    execution: longRunning\n    listen: tcp\n    memoryMB: 64\n{more}"
        return self.start(app_yaml("echo", text, module or SERVERS[self.engine]), settings)

    def start(self, app, settings=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app + settings)
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps

    def connect(self, port):
        return self.closing(Connection(port))

    def answers(self, port):
        try:
            return self.connect(port).ask(b"again") == b"again"
        except ConnectionError:  # by the guest that is about to end
            return False

    def metric(self, apps, series):
        lines = apps.admin("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series + " ")), None)


class TcpApp(Echo):
    """The same on both engines."""

    def test_bytes_pass_both_ways_from_the_first_moment_on(self):
        apps = self.echo()
        port = apps.port("echo")
        first = self.connect(port)  # the guest may not listen yet
        self.assertEqual(first.ask(b"\x00\xffno HTTP at all\r\n\r\n"), b"\x00\xffno HTTP at all\r\n\r\n")
        others = [self.connect(port) for _ in range(10)]
        for i, connection in enumerate(others):
            connection.send(b"%d" % i)
        self.assertEqual([connection.read(1) for connection in others], [b"%d" % i for i in range(10)])
        large = os.urandom(3 << 20)
        got = []
        reader = threading.Thread(target=lambda: got.append(first.read(len(large))))
        reader.start()
        first.send(large)
        reader.join(timeout=PATIENCE)
        self.assertEqual(got, [large])
        self.assertEqual(self.metric(apps, 'fiso_app_connections{app="echo"}'), 11)
        self.assertEqual(self.metric(apps, 'fiso_app_connections_total{app="echo",result="passed"}'), 11)
        size = len(large) + 20 + 10
        for direction in ("in", "out"):
            self.assertEqual(self.metric(apps, f'fiso_app_bytes_total{{app="echo",direction="{direction}"}}'), size)
        first.send(b"bye")
        self.assertEqual(first.rest(), b"")
        first.close()
        poll("it is counted out", lambda: self.metric(apps, 'fiso_app_connections{app="echo"}') == 10)
        self.assertEqual(apps.stop(), 0)

    def test_an_end_of_one_side_is_passed_on(self):
        apps = self.echo()
        connection = self.connect(apps.port("echo"))
        self.assertEqual(connection.ask(b"hello"), b"hello")
        connection.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(connection.rest(), b"")
        self.assertEqual(apps.stop(), 0)

    def test_connections_wait_while_the_guest_restarts(self):
        apps = self.echo()
        port = apps.port("echo")
        for _ in range(2):
            broken = self.connect(port)
            self.assertEqual(broken.ask(b"hello"), b"hello")
            broken.send(b"exit 3")
            self.assertEqual(broken.rest(), b"")
            poll("another guest", lambda: self.answers(port))
        self.assertEqual({entry["reason"] for entry in apps.log("app guest restarts")}, {"module closed with exit_code(3)"})
        self.assertEqual(apps.stop(), 0)

    def test_a_connection_to_an_app_that_is_down_is_closed(self):
        apps = self.echo("    restart: never\n")
        port = apps.port("echo")
        connection = self.connect(port)
        connection.send(b"exit 0")
        self.assertEqual(connection.rest(), b"")
        poll("the end", lambda: apps.admin("/apps").json()[0]["state"] == "stopped")
        self.assertEqual(self.connect(port).rest(), b"")
        poll("it is told", lambda: apps.log("app connection failed"))
        self.assertEqual(self.metric(apps, 'fiso_app_connections_total{app="echo",result="failed"}'), 1)
        self.assertEqual(apps.stop(), 0)

    def test_a_stop_waits_for_answers_and_ends_what_is_silent(self):
        apps = self.echo(settings="shutdownTimeout: 20s\n")
        port = apps.port("echo")
        silent, waiting = self.connect(port), self.connect(port)
        self.assertEqual(silent.ask(b"hello"), b"hello")
        waiting.send(b"late")
        self.assertEqual(apps.stop(), 0)
        self.assertEqual(silent.rest(), b"")
        self.assertEqual(waiting.rest(), b"late")

    def test_a_stop_cuts_what_is_never_answered(self):
        apps = self.echo(settings="shutdownTimeout: 1500ms\n")
        connection = self.connect(apps.port("echo"))
        self.assertEqual(connection.ask(b"hello"), b"hello")
        connection.send(b"hush")
        poll("it has arrived", lambda: self.metric(apps, 'fiso_app_bytes_total{app="echo",direction="in"}') == 9)
        workers = descendants(apps.process.pid)
        self.assertEqual(apps.stop(), 1)
        self.assertEqual(connection.rest(), b"")
        self.assertFalse([pid for pid in workers if os.path.exists(f"/proc/{pid}")])

    def test_connections_are_bounded(self):
        apps = self.echo(settings="http: {maxConnections: 2}\n")
        port = apps.port("echo")
        kept = [self.connect(port) for _ in range(2)]
        for connection in kept:
            self.assertEqual(connection.ask(b"hello"), b"hello")
        self.assertEqual(self.connect(port).rest(), b"")
        self.assertEqual(apps.stop(), 0)

    def test_a_module_that_serves_no_port_is_told_so(self):
        apps = self.echo("    startTimeout: 100ms\n", module="hello_app")
        poll("it is told", lambda: any(entry["reason"] == "it does not listen on its PORT" for entry in apps.log("app guest restarts")))
        self.assertEqual(apps.stop(), 0)


class OnWasmer(TcpApp, TestCase):
    engine = "wasmer"


class OnWazero(TcpApp, TestCase):
    engine = "wazero"


class Configuration(TestCase):
    def test_keys_without_effect_are_refused(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app_yaml("a", "    listen: tcp\n    timeout: 1s\n    healthCheck: /\n"))
        said = run(FISO_WASMER, "-config", directory.path / "apps.yaml", "-check").stderr.decode()
        for line in ("apps[0].listen: tcp needs", "apps[0].timeout has no effect", "apps[0].healthCheck has no effect"):
            self.assertIn(line, said)


class MorePorts(Echo, TestCase):
    def ports(self, count):
        return [self.closing(ReservedPort()).port for _ in range(count)]

    def test_a_guest_serves_further_ports_as_public_ones(self):
        more = self.ports(2)
        apps = self.echo(f"    args: {[str(port) for port in more]}\n    network: {{listen: {more}}}\n".replace("'", '"'))
        for port in (apps.port("echo"), *more):
            self.assertEqual(self.connect(port).ask(b"hello"), b"hello")
            connection = self.connect(port)
            connection.send(b"port")
            self.assertEqual(connection.read(len(str(port)) + 1), b"%d\n" % port)
        [policy] = apps.log("network policy of guest")
        self.assertEqual(policy["listen"], ", ".join(map(str, (apps.port("echo"), *more))))
        self.assertEqual(apps.stop(), 0)

    def test_an_http_app_has_them_too_and_a_port_that_the_guest_does_not_open_is_closed(self):
        [port] = self.ports(1)
        apps = self.start(app_yaml("counter", f"    execution: longRunning\n    network: {{listen: [{port}]}}\n", "counter_server"))
        poll("the app answers", lambda: get(apps.port("counter"), "/").status == 200)
        self.assertEqual(self.connect(port).rest(), b"")
        [failed] = poll("it is logged", lambda: apps.log("app connection failed"))
        self.assertEqual(failed["error"], "the guest does not listen on that port")
        self.assertEqual(apps.stop(), 0)

    def test_a_port_that_is_not_listed_is_refused(self):
        [port] = self.ports(1)
        apps = self.echo(f"    args: [\"{port}\"]\n    restart: never\n")
        poll("it gives up", lambda: apps.log("app guest ended"))
        self.assertEqual(apps.log("app network attempt denied")[0]["attempt"], f"listen on port {port}")
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
