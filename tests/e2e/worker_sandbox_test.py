#!/usr/bin/env python3
"""What worker processes have given up, as the kernel tells it: whatever kind of worker it is, whatever Fiso itself may do."""
import os
import pathlib

from harness import ANY_PORT, TestCase, descendants, get, main, poll
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


if __name__ == "__main__":
    main()
