#!/usr/bin/env python3
"""What the documents tell a stranger to type works word for word: the blocks are taken from the pages and run.

In a scratch directory that looks like the root of the repository after `make build`, with the PATH of a fresh login and a home
of its own. Only the fixed ports of the pages are replaced by free ones.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import FISO, FISO_FLOW, GUESTS, PATIENCE, SOURCE, ReservedPort, TestCase, answers, main, poll

PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
PORTS = ("8081", "8082", "9090")
GO_ROOT = os.environ.get("FISO_GO_ROOT")


def blocks(page, title, language="sh"):
    """The code blocks of one section."""
    text = (SOURCE / page).read_text().split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


class Shell:
    """A terminal: its commands, in a process group of their own; what they print is in `output`."""

    def __init__(self, commands, cwd, env):
        self._file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["bash", "-c", commands], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=self._file,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def output(self):
        self._file.seek(0)
        return self._file.read().decode(errors="replace")

    def wait(self):
        return self.process.wait(PATIENCE * 2)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._file.close()


class Page(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-docs-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "fiso"
        (self.root / "build/release").mkdir(parents=True)
        (self.root / "tmp").mkdir()
        (self.root / "tmp/fiso").symlink_to(FISO)
        (self.root / "tmp/fiso-flow").symlink_to(FISO_FLOW)
        (self.root / "build/release/guests").symlink_to(GUESTS)
        shutil.copytree(SOURCE / "examples", self.root / "examples")
        self.ports = {port: self.closing(ReservedPort()).port for port in PORTS}
        flow = self.root / "examples/orders/flows/orders.yaml"
        flow.write_text(self.with_free_ports(flow.read_text()))
        self.home = pathlib.Path(folder.name) / "home"
        self.home.mkdir()

    def with_free_ports(self, text):
        for fixed, free in self.ports.items():
            text = re.sub(rf"\b{fixed}\b", str(free), text)
        return text

    def terminal(self, commands, **more):
        env = {"PATH": PLAIN_PATH, "HOME": str(self.home), "FISO_METRICS_ADDR": f"127.0.0.1:{self.ports['9090']}", **more}
        return self.closing(Shell(self.with_free_ports(commands), self.root, env))

    def run_block(self, commands, **more):
        shell = self.terminal("set -e -o pipefail\n" + commands, **more)
        self.assertEqual(shell.wait(), 0, shell.output)
        return shell.output


class Readme(Page):
    def test_the_first_flow(self):
        block, = blocks("README.md", "A first flow in 60 seconds")
        said = self.run_block(block)
        self.assertIn("./flows: ok", said)
        self.assertIn("HTTP/1.1 200", said)
        self.assertIn('"wasm_enriched":true', said)


class GettingStarted(Page):
    def test_the_example_by_hand_and_a_look_around(self):
        sink, flow, order = blocks("docs/getting-started.md", "The example by hand")
        sink, flow = self.terminal(sink), self.terminal(flow)
        poll("the sink listens", lambda: '"listening"' in sink.output)
        poll("the flow is ready", lambda: answers(self.ports["9090"], "/readyz"))
        self.assertIn("HTTP/1.1 200", self.run_block(order))
        self.assertIn('"wasm_enriched": true', sink.output)
        look, = blocks("docs/getting-started.md", "Look around")
        said = self.run_block(look)
        for text in ('{"status":"ready"}', 'fiso_flow_events_total{flow="orders",status="delivered"} 1', '"status":"ok"'):
            self.assertIn(text, said)
        self.assertIsNone(flow.process.poll(), flow.output)

    @unittest.skipUnless(GO_ROOT, "built without Go guests")
    def test_a_guest_in_Go(self):
        (self.home / ".cache/fiso").mkdir(parents=True)
        (self.home / ".cache/fiso/go").symlink_to(GO_ROOT)
        (self.root / "seen").mkdir()
        source, = blocks("docs/getting-started.md", "Your own guest", "go")
        (self.root / "seen/main.go").write_text(source)
        build, = blocks("docs/getting-started.md", "Your own guest")
        # The compiled standard library is kept: compiling it anew would take minutes on a small machine.
        cache = {"GOCACHE": os.environ["FISO_GO_CACHE"]} if os.environ.get("FISO_GO_CACHE") else {}
        said = self.run_block(build, GOTOOLCHAIN="local", GOFLAGS="-mod=mod", GOPROXY="off", **cache)
        self.assertIn('{"headers":null,"payload":{"a":1,"seen":true}}', said)


class Guests(Page):
    def test_a_guest_in_C_tried_without_a_flow(self):
        source, = blocks("docs/guests.md", "In C", "c")
        (self.root / "size.c").write_text(source)
        build, = blocks("docs/guests.md", "In C")
        self.run_block(build)
        attempt, = blocks("docs/guests.md", "Try it without a flow")
        self.assertEqual(self.run_block(attempt), '{"payload":{"size":52}}{"payload":{"size":15}}')


if __name__ == "__main__":
    main()
