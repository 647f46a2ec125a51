#!/usr/bin/env python3
"""What worker processes have given up, as the kernel tells it: whatever kind of worker it is, whatever Fiso itself may do."""
import os
import pathlib

from harness import ANY_PORT, FISO_FLOW_WASMER, Flow, TestCase, descendants, flow_yaml, get, guest, main, poll, post
from wasmer_standalone_test import Apps, app_yaml

FILTERED = "2"  # seccomp's mode
DESCRIPTORS = 256


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def soft_and_hard_limits(pid):
    lines = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines()[1:]
    return {line[:25].strip(): tuple(line[25:].split()[:2]) for line in lines}


class Sandbox(TestCase):
    def test_workers_of_all_kinds_have_given_up_what_they_do_not_need(self):
        kinds = {"server": ("    execution: longRunning\n", "counter_server"), "fresh": ("", "hello_app"),
                 "pool": ("    execution: pooled\n    poolSize: 1\n", "hello_app")}
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(app_yaml(name, more + "    memoryMB: 64\n", module) for name, (more, module) in kinds.items()))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT, env={"OF_THE_HOST": "nobody's business"}))
        apps.wait_line("Press Ctrl\\+C to stop")
        self.assertEqual({get(apps.port(name), "/hello").status for name in kinds}, {200})
        # The guest that lives on, two fork servers, and the child that stands ready.
        poll("all are there", lambda: 'fiso_app_parked_instances{app="pool"} 1' in apps.admin("/metrics").text)
        workers = poll("no other is left", lambda: len(found := descendants(apps.process.pid)) == 4 and found)
        for pid in workers:
            status, limits = status_of(pid), soft_and_hard_limits(pid)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", FILTERED))
            self.assertEqual(limits["Max core file size"], ("0", "0"))
            self.assertEqual(limits["Max open files"], (str(DESCRIPTORS), str(DESCRIPTORS)))
            data = int(limits["Max data size"][0])
            self.assertTrue(64 << 20 < data < 512 << 20 and limits["Max data size"][0] == limits["Max data size"][1], data)
            self.assertEqual(pathlib.Path(f"/proc/{pid}/environ").read_bytes(), b"")
            self.assertEqual([name for name in map(os.readlink, pathlib.Path(f"/proc/{pid}/fd").iterdir()) if name.startswith("/") and
                              name != "/dev/null" and ".artifact" not in name], [])
        self.assertEqual(apps.log("this kernel lacks a protection of worker processes"), [])
        self.assertEqual(apps.stop(), 0)


class WithoutACache(TestCase):
    """Artifacts are files in memory then, which the sandbox has no rule for."""

    def environments(self):
        shared = self.directory().path
        shared.chmod(0o777)
        no_home = {"FISO_CACHE_DIR": None, "XDG_CACHE_HOME": None}
        return {"no home": {**no_home, "HOME": None}, "a home that cannot be written": {**no_home, "HOME": "/proc/nobody"},
                "a directory that others may write": {"FISO_CACHE_DIR": shared}}

    def test_apps_of_all_kinds_run(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app_yaml("server", "    execution: longRunning\n", "counter_server") + app_yaml("fresh") +
                        app_yaml("pool", "    execution: pooled\n    poolSize: 1\n"))
        for what, env in self.environments().items():
            apps = self.closing(Apps("-config", directory.path / "apps.yaml", env=env))
            apps.wait_line("Press Ctrl\\+C to stop")
            for name in ("server", "fresh", "pool"):
                self.assertEqual(get(apps.port(name), "/hello").status, 200, (what, name))
            # One for each engine.
            self.assertEqual({entry["level"] for entry in apps.log("module cache is not used, modules are compiled at every start")},
                             {"WARN"}, what)
            self.assertEqual(apps.stop(), 0, what)

    def test_interceptors_run(self):
        files = self.directory(orders=flow_yaml(module=guest("enrich"), interceptor="      runtime: wasmer\n"))
        for what, env in self.environments().items():
            flow = self.closing(Flow(files, program=FISO_FLOW_WASMER, **env)).wait_ready()
            self.assertEqual(post(flow.port(), "/orders", {}).status, 200, what)
            self.assert_stops(flow)


if __name__ == "__main__":
    main()
