#!/usr/bin/env python3
"""Thousands of app starts leave no process, no descriptor and no file behind."""
import os
import tempfile

from harness import ANY_PORT, TestCase, descendants, get, main, poll, repeats
from wasmer_standalone_test import Apps, app_yaml

MODES = {"fresh": "", "pool": "    execution: pooled\n    poolSize: 1\n", "server": "    execution: longRunning\n"}
MODULES = {"fresh": "hello_app", "pool": "hello_app", "server": "counter_server"}
APPS = 20  # of one manager
MAY_GROW = 4096  # KiB; 10,000 requests that leave half a kilobyte each need more


def files_under(path):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(path) for name in names)


def started_at(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


def own_memory(pid):
    """KiB that it shares with no file."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


class Starts(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-starts-")
        self.addCleanup(folder.cleanup)
        self.home = folder.name
        for name in ("tmp", "cache", "data"):
            os.mkdir(os.path.join(self.home, name))
        self.places = {"TMPDIR": os.path.join(self.home, "tmp"), "FISO_CACHE_DIR": os.path.join(self.home, "cache"), "HOME": self.home}

    def start(self, modes):
        mount = f"    memoryMB: 32\n    preopens: {{/data: {self.home}/data}}\n"
        directory = self.directory()
        apps = (app_yaml(f"app{i}", MODES[mode] + mount, MODULES[mode]) for i, mode in enumerate(modes))
        directory.write("apps.yaml", "apps:\n" + "".join(apps))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT, env=self.places))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps

    def test_managers_and_their_apps_leave_nothing(self):
        modes = [list(MODES)[i % len(MODES)] for i in range(APPS)]
        left = None
        for _ in range(repeats(200, 10000) // APPS):
            apps = self.start(modes)
            self.assertEqual(get(apps.port(f"app{APPS - 1}"), "/hello").status, 200)
            workers = descendants(apps.process.pid)
            self.assertEqual(apps.stop(), 0)
            # Children of fork servers end with those, a moment later, and belong to the system by then.
            poll("no process is left", lambda: not [pid for pid in workers if os.path.exists(f"/proc/{pid}")])
            apps.close()
            left = left or files_under(self.home)  # the artifacts of the two modules
            self.assertEqual(files_under(self.home), left)

    def test_guests_that_run_once_leave_nothing(self):
        apps = self.start(["fresh", "pool"])

        def use(count):
            for i in range(count):
                self.assertEqual(get(apps.port(f"app{i % 2}"), "/hello").status, 200)
            poll("the pool is full", lambda: 'fiso_app_parked_instances{app="app1"} 1' in apps.admin("/metrics").text)

        def descriptors():
            return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in pids}
        use(200)
        poll("one child stands ready", lambda: len(descendants(apps.process.pid)) == 3)
        # The manager and its fork servers, which are older than the child.
        pids = [apps.process.pid, *sorted(descendants(apps.process.pid), key=started_at)[:2]]
        # A status connection or two of the test may still be about to close.
        before = poll("all is quiet", lambda: (first := descriptors()) == descriptors() and first)
        memory = {pid: own_memory(pid) for pid in pids}
        use(repeats(200, 10000))
        poll("no process is left", lambda: len(descendants(apps.process.pid)) == 3)
        poll("no descriptor is left", lambda: all(count <= before[pid] for pid, count in descriptors().items()))
        for pid in pids:
            self.assertLess(own_memory(pid) - memory[pid], MAY_GROW, (pids, memory))
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
