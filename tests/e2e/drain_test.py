#!/usr/bin/env python3
"""Stopping: what is in flight is finished, nothing is cut, and a stop that takes too long says so."""
import signal
import socket
import threading

from harness import Flow, ReservedPort, TestCase, answers, flow_yaml, guest, http_sink, large_module, main, poll, post, repeats
from load import Load

SLOW = b'{"ms": 3600000}'  # longer than any test waits


class Held(TestCase):
    """A flow whose sink answers only when the test lets it."""

    def hold(self, settings="shutdownTimeout: 60s\n"):
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        sink = self.sink(lambda body: self.release.wait(60) and 200)
        flow = self.serve(sink=http_sink(sink.url, "    timeout: 10m\n"), settings=settings)
        self.answers = []
        self.caller = threading.Thread(target=self.call, args=(flow.port(),), daemon=True)
        self.caller.start()
        poll("the event is under way", lambda: flow.books()[3] == 1)
        return flow

    def call(self, port):
        try:
            self.answers.append(post(port, "/orders", {}).status)
        except OSError as error:
            self.answers.append(error)

    def test_what_is_in_flight_is_answered_before_it_stops(self):
        flow = self.hold()
        flow.signal(signal.SIGTERM)
        flow.wait_log("shutdown initiated")
        poll("not ready", lambda: not answers(flow.admin_port, "/readyz"))
        self.assertIsNone(flow.process.poll())
        self.release.set()
        self.assertEqual(flow.wait(), 0)
        self.caller.join(60)
        self.assertEqual(self.answers, [200])
        self.assertEqual([line["msg"] for line in flow.log()[-1:]], ["shutdown complete"])

    def test_an_overrun_exits_non_zero(self):
        flow = self.hold(settings="shutdownTimeout: 200ms\n")
        self.assertEqual(flow.stop(), 1)
        self.assertEqual(len(flow.log("shutdown cut what was still in flight")), 1)

    def test_a_second_signal_stops_at_once(self):
        for second in (signal.SIGTERM, signal.SIGINT):
            flow = self.hold()
            flow.signal(signal.SIGTERM)
            flow.wait_log("shutdown initiated")
            flow.signal(second)
            self.assertEqual(flow.wait(), 1)
            self.assertEqual(len(flow.log("second signal, stopping at once")), 1)
            self.release.set()


class Stopping(TestCase):
    def test_idle_connections_do_not_hold_it_up(self):
        flow = self.serve(settings="shutdownTimeout: 24h\nhttp:\n  idleTimeout: 24h\n  headerTimeout: 24h\n")
        with socket.create_connection(("127.0.0.1", flow.port())), socket.create_connection(("127.0.0.1", flow.port())) as used:
            used.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            self.assertIn(b"200 OK", used.recv(1000))
            self.assert_stops(flow)

    def test_sigint_is_like_sigterm(self):
        flow = self.serve()
        flow.signal(signal.SIGINT)
        self.assertEqual(flow.wait(), 0)

    def test_a_guest_that_does_not_end_is_stopped_with_the_process(self):
        flow = self.serve(module=guest("sleeper"), interceptor="      timeout: 1h\n", settings="shutdownTimeout: 200ms\n")
        caller = threading.Thread(target=lambda: self.swallow(flow.port()), daemon=True)
        caller.start()
        poll("the guest is running", lambda: flow.books()[3] == 1)
        self.assertEqual(flow.stop(), 1)

    @staticmethod
    def swallow(port):
        try:
            post(port, "/orders", SLOW)
        except OSError:
            pass


class Restarts(TestCase):
    def test_no_request_is_cut_by_restarts_under_load(self):
        place = self.closing(ReservedPort())
        directory = self.directory(orders=flow_yaml(address=place.address, module=guest("passthrough")))
        flow = self.start(directory)
        load = self.closing(Load(place.port, servers_change=True))
        for _ in range(repeats(10, 200)):
            before = load.answered
            poll("requests are answered", lambda: load.answered > before + 50)
            self.assert_stops(flow)
            flow = self.start(directory)
        load.stop()
        self.assertEqual((load.cut, list(load.statuses)), ([], [200]), load.statuses)
        self.assert_stops(flow)


class Killed(TestCase):
    def test_kill_9_leaves_no_child_behind(self):
        """Modules are compiled in a child process, which must not outlive its parent."""
        directory = self.directory()
        module = directory.path / "large.wasm"
        module.write_bytes(large_module())
        directory.write("orders.yaml", flow_yaml(module=module))
        flow = self.closing(Flow(directory, FISO_CACHE_DIR=directory.path / "cache"))
        flow.wait_log("compiling wasm module")
        children = poll("the child", lambda: flow.children() or flow.log("compiled wasm module"))
        flow.signal(signal.SIGKILL)
        flow.wait()
        poll("its end", lambda: not any(is_running(child) for child in children if isinstance(child, int)))

    def endless(self, directory):
        """A module that takes the compiler as long as it may have, and that may be as long as a test's patience."""
        module = directory.path / "large.wasm"
        module.write_bytes(large_module(100000))
        directory.write("fiso.yaml", "wasm:\n  compile:\n    cpu: 1h\n    memory: 4GiB\n")
        return flow_yaml("large", path="/large", module=module)

    def test_a_stop_while_it_starts_ends_the_compiler(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            directory = self.directory()
            directory.write("orders.yaml", self.endless(directory))
            flow = self.closing(Flow(directory, FISO_CACHE_DIR=directory.path / "cache"))
            flow.wait_log("compiling wasm module")
            flow.signal(number)
            self.assertEqual(flow.wait(), 0)
            self.assertEqual(flow.log("compiled wasm module"), [])
            self.assertEqual(flow.log()[-1]["msg"], "shutdown complete")
            self.assertEqual(flow.children(), [])

    def test_a_stop_while_it_reloads_ends_the_compiler_and_drains(self):
        directory = self.directory(orders=flow_yaml())
        flow = self.start(directory, FISO_CACHE_DIR=directory.path / "cache")
        directory.write("large.yaml", self.endless(directory))
        flow.wait_log("compiling wasm module")
        flow.signal(signal.SIGTERM)
        self.assertEqual(flow.wait(), 0)
        self.assertEqual(flow.log("compiled wasm module"), [])
        self.assertEqual(flow.log()[-1]["msg"], "shutdown complete")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


if __name__ == "__main__":
    main()
