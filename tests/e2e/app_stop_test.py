#!/usr/bin/env python3
"""A stop is bounded by `shutdownTimeout`, whatever guests are doing and whatever their own time is."""
import pathlib
import re
import threading

from harness import ANY_PORT, TestCase, descendants, get, main, poll
from wasmer_standalone_test import Apps, app_yaml

SETTINGS = "shutdownTimeout: 300ms\n"
KINDS = {f"{runtime}-{execution}": f"    runtime: {runtime}\n    execution: {execution}\n    timeout: 1h\n"
         for runtime in ("wasmer", "wazero") for execution in ("perRequest", "pooled")}


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Stop(TestCase):
    def apps(self, kinds, more=""):
        self.files = self.directory()
        self.files.write("apps.yaml", self.yaml(kinds, more))
        apps = self.closing(Apps("-config", self.files.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps

    def yaml(self, kinds, more=""):
        return SETTINGS + "apps:\n" + "".join(app_yaml(name, KINDS[name] + more) for name in kinds)

    def loop(self, apps, name):
        """A request that its guest never answers, under way."""
        def ask():
            try:
                get(apps.port(name), "/loop")
            except OSError:
                pass  # cut off
        ahead = 4 if name.endswith("pooled") else 0
        poll("it is at rest", lambda: self.instances(apps, name) == (ahead, ahead))
        threading.Thread(target=ask, daemon=True).start()
        poll("an instance is at work", lambda: (found := self.instances(apps, name))[0] > found[1])

    def instances(self, apps, name):
        """All of them, and those that stand ready."""
        metrics = apps.admin("/metrics").text
        return tuple(int(re.search(rf'^fiso_app_{which}{{app="{name}"}} (\d+)$', metrics, re.MULTILINE)[1])
                     for which in ("instances", "parked_instances"))

    def assert_cut(self, apps):
        workers = descendants(apps.process.pid)
        self.assertNotEqual(apps.stop(), 0, "something was cut")
        poll("no guest is left", lambda: not any(map(lives, workers)))

    def test_guests_that_serve_one_request_are_stopped_when_the_time_is_over(self):
        for name in KINDS:
            apps = self.apps([name])
            self.loop(apps, name)
            self.assert_cut(apps)

    def test_so_are_those_of_an_app_that_a_reload_removed(self):
        for name in KINDS:
            stays = next(other for other in KINDS if other.startswith("wazero") and other != name)
            apps = self.apps([stays, name])
            self.loop(apps, name)
            self.files.write("apps.yaml", self.yaml([stays]))
            poll("it is gone", lambda: [entry["name"] for entry in apps.admin("/apps").json()] == [stays])
            apps.stop()

    def test_so_are_those_of_an_app_that_a_reload_replaced(self):
        for name in KINDS:
            apps = self.apps([name])
            self.loop(apps, name)
            self.files.write("apps.yaml", self.yaml([name], "    env: {SERVER_NAME: next}\n"))
            poll("it is replaced", lambda: "next" in get(apps.port(name), "/hello").text)
            self.assert_cut(apps)


if __name__ == "__main__":
    main()
