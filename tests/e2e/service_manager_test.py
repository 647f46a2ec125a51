#!/usr/bin/env python3
"""What a program tells systemd (Type=notify, WatchdogSec), over a real socket; and that the units are ones it takes."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import PATIENCE, SOURCE, Flow, TestCase, flow_yaml, guest, main

UNITS = sorted((SOURCE / "packaging/systemd").glob("*.service"))


class ServiceManager:
    """What systemd is to a service: a socket that it writes to."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-notify-")
        self.path = os.path.join(self._folder.name, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(PATIENCE)

    def told(self, *names):
        """The next message that says one of them, as a dictionary."""
        while True:
            lines = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())
            if lines.keys() & set(names):
                return lines

    def close(self):
        self._socket.close()
        self._folder.cleanup()


class Notify(TestCase):
    def watched(self, module=None, **env):
        manager = self.closing(ServiceManager())
        self.flows = self.directory(orders=flow_yaml(module=module))
        return manager, self.closing(Flow(self.flows, NOTIFY_SOCKET=manager.path, **env))

    def test_ready_is_told_when_it_is(self):
        manager, flow = self.watched(module=guest("enrich"))
        self.assertEqual(manager.told("READY"), {"READY": "1", "STATUS": "serving"})
        self.assertTrue(flow.wait_log("http pool server starting"))
        flow.wait_ready()
        self.assertEqual(flow.stop(), 0)
        self.assertEqual(manager.told("STOPPING")["STOPPING"], "1")

    def test_a_reload_begins_and_ends(self):
        manager, flow = self.watched(WATCHDOG_USEC=PATIENCE * 1_000_000)
        manager.told("READY")
        flow.signal(signal.SIGHUP)
        self.assertGreater(int(manager.told("RELOADING")["MONOTONIC_USEC"]), 0)
        self.assertEqual(manager.told("READY")["WATCHDOG_USEC"], str(PATIENCE * 1_000_000))
        self.assertEqual(flow.stop(), 0)

    def test_it_lives_as_often_as_is_expected(self):
        manager, flow = self.watched(WATCHDOG_USEC=300_000)
        manager.told("READY")
        for _ in range(5):
            self.assertEqual(manager.told("WATCHDOG")["WATCHDOG"], "1")
        self.assertEqual(flow.stop(), 0)



class Units(TestCase):
    def test_every_server_has_one_that_systemd_takes(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze")
        programs = {path.stem.replace("_", "-") for path in (SOURCE / "bin").glob("fiso_*.cc")} - {"fiso-config-reference"}
        self.assertEqual(programs - {path.stem for path in UNITS}, set())
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS:
                # Only programs that are there pass.
                text = re.sub(r"/usr/bin/fiso\S*", "/bin/true", unit.read_text())
                (pathlib.Path(folder) / unit.name).write_text(text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, pathlib.Path(folder).iterdir())],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_all_share_is_the_same_in_all(self):
        texts = {unit.name: unit.read_text().split("[Service]")[1] for unit in UNITS}
        shared = {re.sub(r"^(ExecStart|EnvironmentFile)=.*$", "", text, flags=re.M) for text in texts.values()}
        self.assertEqual(len(shared), 1, "units differ in more than their program")
        for name, text in texts.items():
            program = name.removesuffix(".service")
            self.assertRegex(text, rf"(?m)^ExecStart=/usr/bin/{program} -config")
            self.assertIn("Type=notify\n", text)


if __name__ == "__main__":
    main()
