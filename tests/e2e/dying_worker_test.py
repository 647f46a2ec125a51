#!/usr/bin/env python3
"""Requests that are given to a worker in the instant of its death: what it has not begun to read, another answers."""
import os
import pathlib
import signal
import threading

from harness import ANY_PORT, TestCase, descendants, get, main, poll
from wasmer_standalone_test import Apps, app_yaml


def state_of(pid):
    """The letter of /proc; nothing if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return None


class Asking(threading.Thread):
    """A request under way."""

    def __init__(self, port, path):
        super().__init__()
        self.port, self.path, self.answer = port, path, None
        self.start()

    def run(self):
        self.answer = get(self.port, self.path)

    def result(self):
        self.join()
        return self.answer.status, self.answer.text


class DyingWorkers(TestCase):
    def apps(self, *apps):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + "shards: 1\n")
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        poll("all are healthy", lambda: apps.admin("/readyz").status == 200)
        return apps

    def metric(self, apps, text):
        return f"\n{text}\n" in apps.admin("/metrics").text

    def test_one_that_stood_ready_and_read_nothing_is_replaced_by_another(self):
        apps = self.apps(app_yaml("a", "    execution: pooled\n    poolSize: 1\n    memoryMB: 64\n"))
        poll("it stands ready", lambda: self.metric(apps, 'fiso_app_parked_instances{app="a"} 1'))
        parked = max(descendants(apps.process.pid))  # its fork server is older
        os.kill(parked, signal.SIGSTOP)
        asking = Asking(apps.port("a"), "/hello")
        poll("it was given the request", lambda: self.metric(apps, 'fiso_app_parked_instances{app="a"} 0'))
        os.kill(parked, signal.SIGKILL)
        self.assertEqual(asking.result()[0], 200)
        self.assertEqual(apps.log("app request failed"), [])
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_is_not_even_made_is(self):
        apps = self.apps(app_yaml("a", "    memoryMB: 64\n"))
        [server] = descendants(apps.process.pid)
        os.kill(server, signal.SIGSTOP)
        asking = Asking(apps.port("a"), "/hello")
        poll("it has begun", lambda: self.metric(apps, 'fiso_app_instances{app="a"} 1'))
        os.kill(server, signal.SIGKILL)
        self.assertEqual(asking.result()[0], 200)
        self.assertEqual(apps.stop(), 0)

    def test_one_that_has_read_it_costs_the_request(self):
        apps = self.apps(app_yaml("a", "    memoryMB: 64\n"))
        servers = descendants(apps.process.pid)
        asking = Asking(apps.port("a"), "/loop")
        poll("it computes", lambda: apps.admin("/apps").json()[0]["cpuSeconds"] > 0.3)
        [child] = descendants(apps.process.pid) - servers
        os.kill(child, signal.SIGKILL)
        self.assertEqual(asking.result(), (502, "wasm execution: wasm trap: the worker process of the guest died of signal 9\n"))
        self.assertEqual(apps.stop(), 0)

    def test_a_line_that_was_not_read_is_asked_of_the_next_guest(self):
        apps = self.apps(app_yaml("a", "    execution: longRunning\n    protocol: ndjson\n    memoryMB: 64\n", "lines_app"))
        port = apps.port("a")
        self.assertEqual(get(port, "/count").json()["count"], 1)
        [worker] = descendants(apps.process.pid)
        os.kill(worker, signal.SIGSTOP)
        poll("the last connection is closed", lambda: self.metric(apps, "fiso_http_connections 0"))
        asking = Asking(port, "/count")
        poll("it has been taken", lambda: self.metric(apps, "fiso_http_connections 1"))
        os.kill(worker, signal.SIGKILL)
        status, text = asking.result()
        self.assertEqual((status, text[:9]), (200, '{"count":'))
        self.assertEqual(len(apps.log("app guest restarts")), 1)
        self.assertEqual(apps.stop(), 0)

    def test_nobody_who_comes_after_the_death_of_a_server_is_refused(self):
        names = [f"a{i}" for i in range(8)]
        apps = self.apps(*(app_yaml(name, "    execution: longRunning\n    memoryMB: 64\n", "counter_server") for name in names))
        for name in names:
            port = apps.port(name)
            self.assertEqual(get(port, "/").json()["count"], 1)
        workers = descendants(apps.process.pid)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        while any(state_of(worker) not in (None, "Z") for worker in workers):
            pass
        asking = [Asking(apps.port(name), "/") for name in names for _ in range(3)]
        self.assertEqual({one.result()[0] for one in asking}, {200})
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
