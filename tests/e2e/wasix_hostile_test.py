#!/usr/bin/env python3
"""Guests that do their worst on the full engine: each gets the outcome that is stated here, its port answers again, and the other
apps of the same manager lose not one request meanwhile."""
import os
import random
import signal
import socket
import sys
import time

from harness import ANY_PORT, TestCase, descendants, get, main, poll, repeats
from load import Load
from wasmer_standalone_test import Apps, app_yaml

TOO_MANY_THREADS, IN_USE, TOO_MANY_FILES, NO_MEMORY, REFUSED = 2, 3, 33, 48, 63  # errnos as the guest sees them
DESCRIPTORS, SOCKETS = 256, 64
MEMORY_MB, FILES_MB, FILES = 64, 16, 4096
LIVES_ON = f"    execution: longRunning\n    memoryMB: {MEMORY_MB}\n    timeout: 500ms\n    unhealthyThreshold: 1\n"


class HostileCase(TestCase):
    """Two good apps under load, and hostile ones beside them."""

    def start_apps(self, *hostile, more="", lives_on=LIVES_ON):
        self.mount = self.directory()
        (self.mount.path.parent / "secret.txt").write_text("nobody's business")
        (self.mount.path / "host_link").symlink_to("../secret.txt")
        mounted = f"    preopens: {{/data: {self.mount.path}}}\n"
        settings = self.directory()
        settings.write("apps.yaml", "apps:\n" + app_yaml("counter", "    execution: longRunning\n    memoryMB: 64\n", "counter_server") +
                       app_yaml("hello", "    memoryMB: 64\n") +
                       "".join(app_yaml(name, lives_on + mounted + extra, "hostile_server") for name, extra in hostile) + more)
        apps = self.closing(Apps("-config", settings.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        self.loads = [self.closing(Load(apps.port(name), "/echo", b"{}", clients=2)) for name in ("counter", "hello")]
        return apps

    def check_others(self):
        """They were busy, and every request was answered."""
        for load in self.loads:
            before = load.answered
            poll("the others are busy", lambda: load.answered > before + 5)
            load.stop()
            self.assertEqual((set(load.statuses), load.cut), ({200}, []))

    def check_back(self, apps, name):
        """The next request is answered: at once, or by the next guest."""
        began = time.monotonic()
        self.assertEqual(get(apps.port(name), "/health").status, 200, name)
        print(f"{name}: answers again after {(time.monotonic() - began) * 1000:.0f} ms", file=sys.stderr)


class Hostile(HostileCase):
    def test_what_never_answers_costs_its_own_request_and_is_replaced(self):
        names = ("loop", "accept", "futex")
        apps = self.start_apps(*((name, "") for name in names))
        for name in names:
            late = get(apps.port(name), f"/{name}")
            self.assertEqual((late.status, late.text), (504, "wasm execution timeout after 500ms\n"))
            self.check_back(apps, name)
        self.assertEqual([(entry["app"], entry["reason"]) for entry in apps.log("app guest restarts")],
                         [(name, "requests are over their time again and again") for name in names])
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_what_takes_too_much_is_refused_and_lives_on(self):
        apps = self.start_apps(("bomb", ""), lives_on=LIVES_ON.replace("500ms", "1m"))
        port = apps.port("bomb")

        def outcome(path):
            answer = get(port, path)
            self.assertEqual(answer.status, 200, (path, answer.text))
            return answer.json()["done"], answer.json()["errno"]
        self.assertEqual(outcome("/threads"), (16, TOO_MANY_THREADS))
        self.assertEqual(outcome("/fork"), (0, REFUSED))
        self.assertEqual(outcome("/spawn"), (0, REFUSED))
        mebibytes, error = outcome("/files")
        self.assertEqual((mebibytes, error != 0), (FILES_MB, True))
        files, error = outcome("/names")
        self.assertTrue(FILES - 32 < files < FILES and error != 0, (files, error))
        self.check_back(apps, "bomb")
        self.assertEqual(apps.log("app guest restarts"), [])
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_each_limit_holds_alone(self):
        names = ("memory", "fds", "memory-fds", "sockets", "few")
        apps = self.start_apps(*((name, "    network: {sockets: 8}\n" if name == "few" else "") for name in names))
        done = {name: get(apps.port(name), f"/{name}").json() for name in names[:-1]}
        self.assertTrue(MEMORY_MB - 10 < done["memory"]["done"] < MEMORY_MB and done["memory"]["errno"] == NO_MEMORY, done)
        for name in ("fds", "memory-fds"):
            self.assertTrue(DESCRIPTORS - 32 < done[name]["done"] < DESCRIPTORS and done[name]["errno"] == TOO_MANY_FILES, done)
        # What it listens on is one of them, what it accepts is not.
        self.assertEqual(done["sockets"], {"done": SOCKETS - 1, "errno": TOO_MANY_FILES})
        self.assertEqual(get(apps.port("few"), "/sockets").json(), {"done": 7, "errno": TOO_MANY_FILES})
        for name in names:
            self.check_back(apps, name)
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_sockets_of_all_guests_are_bounded_in_one_place(self):
        apps = self.start_apps(("sockets", ""), ("few", "    network: {sockets: 8}\n"), more="network: {sockets: 12}\n")
        for name, most in (("sockets", 12), ("few", 8)):
            for _ in range(2):  # they are closed in between
                self.assertEqual(get(apps.port(name), "/sockets").json(), {"done": most - 1, "errno": TOO_MANY_FILES}, name)
            self.check_back(apps, name)
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_a_port_that_is_served_is_in_use(self):
        apps = self.start_apps(("twice", ""))
        for _ in range(3):
            self.assertEqual(get(apps.port("twice"), "/again").json(), {"done": 0, "errno": IN_USE})
            self.check_back(apps, "twice")
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_without_descriptors_reaches_fiso_no_more_than_others(self):
        address = address_of_this_machine()
        if address is None:
            self.skipTest("this machine has no address but those of loopback")
        apps = self.start_apps(("starved", ""))
        port, admin = apps.port("starved"), apps.log("metrics server starting")[0]["port"]
        for how in ("dial", "bind", "starved"):
            self.assertEqual(get(port, f"/{how}/{address}/{admin}").json(), {"done": 0, "errno": REFUSED}, how)
        self.check_others()
        self.assertEqual(apps.stop(), 0)

    def test_nothing_outside_is_reached(self):
        apps = self.start_apps(("scan", ""))
        port = apps.port("scan")
        admin = apps.log("metrics server starting")[0]["port"]
        for place in ("169.254.169.254/80", "169.254.0.1/80", "100.100.100.200/80", f"127.0.0.1/{admin}", f"0.0.0.0/{admin}",
                      f"127.1.2.3/{admin}", "127.64.0.1/80", "127.64.0.0/1", "127.127.255.255/80"):
            for how in ("dial", "bind"):
                self.assertEqual(get(port, f"/{how}/{place}").json(), {"done": 0, "errno": REFUSED}, (how, place))
        for how in ("dial", "bind"):
            self.assertEqual(get(port, f"/{how}/127.0.0.1/{apps.port('hello')}").json(), {"done": 1, "errno": 0}, how)
        denied = poll("it is told", lambda: apps.log("app network attempt denied"))
        self.assertIn("connect to 169.254.169.254:80", [entry["attempt"] for entry in denied])
        outside = self.mount.path.parent / "secret.txt"
        for path in ("../secret.txt", "/data/../secret.txt", "/data/../../secret.txt", "/data/host_link", str(outside), "/etc/passwd",
                     "/proc/self/environ", "/data/./../../../../../../etc/passwd"):
            answer = get(port, f"/open/{path}").json()
            self.assertEqual(answer["done"], 0, path)
            self.assertNotEqual(answer["errno"], 0, path)
        for target in ("../secret.txt", str(outside), "/etc/passwd", "../../../../../../../../etc/passwd", "host_link"):
            self.assertEqual(get(port, f"/link/{target}").json()["done"], 0, target)
        self.check_others()
        self.assertEqual(apps.stop(), 0)


def address_of_this_machine():
    """Of its way out, which a datagram socket finds without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def artifact_of(pid):
    """The compiled module that a worker has mapped."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            return next((line.split()[-1] for line in maps if line.rstrip().endswith(".artifact")), None)
    except OSError:
        return None


class CrashingWorkers(HostileCase):
    """SIGSEGV to workers of all kinds: one that is a guest, fork servers, their children that run and those that stand ready."""
    KINDS = {"server": "    execution: longRunning\n", "fresh": "", "pool": "    execution: pooled\n    poolSize: 2\n"}
    MODULES = {"server": "worker_pool", "fresh": "threads_app", "pool": "threads_app"}

    def victims(self):
        return "".join(app_yaml(name, more + "    memoryMB: 64\n", self.MODULES[name]) for name, more in self.KINDS.items())

    def artifacts_of_victims(self):
        settings = self.directory()
        settings.write("apps.yaml", "apps:\n" + self.victims())
        apps = self.closing(Apps("-config", settings.path / "apps.yaml"))
        apps.wait_line("Press Ctrl\\+C to stop")
        found = {artifact_of(pid) for pid in descendants(apps.process.pid)} - {None}
        self.assertEqual(apps.stop(), 0)
        return found

    def test_a_worker_that_crashes_at_any_moment_is_replaced(self):
        artifacts = self.artifacts_of_victims()
        self.assertEqual(len(artifacts), 2)
        apps = self.start_apps(more=self.victims())
        busy = [self.closing(Load(apps.port(name), "/threads/2", clients=1)) for name in ("fresh", "pool")]
        dice = random.Random(4)
        for _ in range(repeats(40, 2000)):
            until = self.loads[1].answered + dice.randrange(10)
            poll("a while has passed", lambda: self.loads[1].answered >= until)
            found = [pid for pid in descendants(apps.process.pid) if artifact_of(pid) in artifacts]
            if found:
                crash(dice.choice(found))
        for load in busy:
            load.stop()
        for name, path in (("server", "/primes/100"), ("fresh", "/threads/2"), ("pool", "/threads/2")):
            poll(f"{name} answers again", lambda: get(apps.port(name), path).status == 200)
        poll("the pool is full again", lambda: 'fiso_app_parked_instances{app="pool"} 2' in apps.admin("/metrics").text)
        self.assertTrue(apps.log("worker process died, starting another"))
        self.assertTrue(apps.log("app guest restarts"))
        self.check_others()
        self.assertEqual(apps.stop(), 0)


def crash(pid):
    try:
        os.kill(pid, signal.SIGSEGV)
    except ProcessLookupError:
        pass  # it has ended by itself meanwhile


if __name__ == "__main__":
    main()
