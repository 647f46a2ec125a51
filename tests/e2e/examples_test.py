#!/usr/bin/env python3
"""The examples work as their READMEs say: each section's commands are typed into one shell, in order, and what the page shows is printed.

In a scratch directory that looks like the root of the repository after `make build`. Only the fixed ports are replaced by free ones, and
nothing is fetched: what guests are built from is there, or the section is skipped.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from aio_harness import FISO_WASMER_AIO
from harness import FISO, FISO_FLOW, FISO_WASMER, FISO_WASMER_HOST, GUESTS, SOURCE, ReservedPort, TestCase, main, missing_guests, poll
from link_harness import FISO_LINK

EXAMPLES = SOURCE / "examples"
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
PORTS = ("8081", "8082", "8090", "3500", "6379", "9090")
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
GO_ROOT = os.environ.get("FISO_GO_ROOT")
# What tools/setup.sh has fetched for examples, so that nothing is fetched here.
DJANGO = pathlib.Path(os.environ.get("FISO_DEPS_DIR", "/nowhere")) / "django-5.2.19"
RUSTC = os.environ.get("FISO_RUSTC_FOR_GUESTS")


def sections(page):
    """The parts of a README that have commands: title and blocks, each (language, text)."""
    for part in (EXAMPLES / page / "README.md").read_text().split("\n## ")[1:]:
        title = part.split("\n", 1)[0]
        yield title, BLOCK.findall(part)


class Shell:
    """A terminal that commands are typed into; it ends with the first that fails."""

    def __init__(self, cwd, env):
        self.process = subprocess.Popen(["bash", "-eo", "pipefail"], cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.output = ""
        self._typed = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.output += piece.decode(errors="replace")

    def type(self, commands):
        """Returns once the last of them has ended, or was put into the background."""
        self._typed += 1
        done = f"typed {self._typed}."
        self.process.stdin.write(f"{commands}\necho '{done}'\n".encode())
        self.process.stdin.flush()

        def ended():
            assert self.process.poll() is None, f"a command failed:\n{commands}\n{self.output}"
            return done in self.output
        poll(f"the end of {commands}", ended)

    def leave(self):
        """The exit code, when all that is in the background has ended too."""
        with contextlib.suppress(OSError):
            self.process.stdin.write(b"wait\nexit\n")
            self.process.stdin.close()
        code = self.process.wait(60)
        self._reader.join(60)
        return code

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(60)
        self.process.stdout.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()


def is_shown(output, lines):
    """Are these texts there, each behind the one before it?"""
    at = 0
    for line in lines:
        found = output.find(line, at)
        if found < 0:
            return False
        at = found + len(line)
    return True


class Example(TestCase):
    @classmethod
    def setUpClass(cls):
        # Compiled guests are shared by the sections.
        folder = tempfile.TemporaryDirectory(prefix="fiso-examples-cache-")
        cls.addClassCleanup(folder.cleanup)
        cls.cache = folder.name

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-examples-")
        self.addCleanup(folder.cleanup)
        self.root, self.home = pathlib.Path(folder.name) / "fiso", pathlib.Path(folder.name) / "home"
        (self.root / "build/release").mkdir(parents=True)
        (self.root / "build/release/guests").symlink_to(GUESTS)
        (self.root / "tmp").mkdir()
        for name, program in {"fiso": FISO, "fiso-flow": FISO_FLOW, "fiso-link": FISO_LINK, "fiso-wasmer": FISO_WASMER,
                              "fiso-wasmer-aio": FISO_WASMER_AIO}.items():
            (self.root / "tmp" / name).symlink_to(program)
        (self.home / ".cache/fiso").mkdir(parents=True)
        if GO_ROOT:
            (self.home / ".cache/fiso/go").symlink_to(GO_ROOT)
        self.ports = {port: self.closing(ReservedPort()).port for port in PORTS}
        shutil.copytree(SOURCE / "guests/include", self.root / "guests/include")
        shutil.copytree(EXAMPLES, self.root / "examples")
        for path in (self.root / "examples").rglob("*.yaml"):
            path.write_text(self.with_free_ports(path.read_text()))

    def with_free_ports(self, text):
        for fixed, free in self.ports.items():
            text = re.sub(rf"\b{fixed}\b", str(free), text)
        return text

    def environment(self):
        return {"PATH": PLAIN_PATH, "HOME": str(self.home), "FISO_METRICS_ADDR": f"127.0.0.1:{self.ports['9090']}",
                "FISO_WASMER_HOST": FISO_WASMER_HOST, "FISO_CACHE_DIR": self.cache, "GOTOOLCHAIN": "local", "GOPROXY": "off",
                # The compiled standard library is kept: compiling it anew would take minutes on a small machine.
                "GOCACHE": os.environ.get("FISO_GO_CACHE") or str(self.home / "go-build")}

    def try_section(self, page, title, **env):
        blocks = dict(sections(page))[title]
        self.assertTrue(any(language == "text" for language, _ in blocks), "a section shows what its commands print")
        shell = self.closing(Shell(self.root, {**self.environment(), **env}))
        seen = 0
        for language, text in blocks:
            text = self.with_free_ports(text)
            if language == "sh":
                seen = len(shell.output)
                self.type(shell, text)
                continue
            lines = text.splitlines()
            try:
                poll("what the page shows", lambda shell=shell, seen=seen, lines=lines: is_shown(shell.output[seen:], lines), 20)
            except AssertionError:
                self.fail(f"{page}: {title}: expected\n{text}\nin\n{shell.output[seen:]}\n{self.logs()}")
        self.assertEqual(shell.leave(), 0, shell.output + self.logs())

    def type(self, shell, commands):
        try:
            shell.type(commands)
        except AssertionError as error:
            self.fail(f"{error}{self.logs()}")

    def logs(self):
        return "".join(f"\n--- {path.name}\n{path.read_text()[-3000:]}" for path in (self.root / "tmp").glob("*.log"))


class Flows(Example):
    def test_orders(self):
        self.try_section("orders", "Run it")

    def test_a_transform_in_C(self):
        self.try_section("json-transform", "C")

    @unittest.skipUnless(GO_ROOT, "built without Go guests")
    def test_a_transform_in_Go(self):
        self.try_section("json-transform", "Go")

    @unittest.skipIf(missing_guests("python"), "CPython was not fetched by tools/setup.sh")
    def test_a_transform_in_Python(self):
        self.try_section("json-transform", "Python")

    @unittest.skipUnless(RUSTC and os.path.exists(RUSTC), "no Rust for guests: rustup target add wasm32-wasip1")
    def test_a_transform_in_Rust(self):
        self.try_section("json-transform", "Rust", PATH=f"{pathlib.Path(RUSTC).parent}:{PLAIN_PATH}")

    @unittest.skipIf(missing_guests("quickjs"), "QuickJS was not fetched by tools/setup.sh")
    def test_a_transform_in_JavaScript(self):
        self.try_section("javascript", "An interceptor")


class Link(Example):
    def test_credentials_and_a_breaker(self):
        self.try_section("link", "Run it")


class Apps(Example):
    @unittest.skipUnless(GO_ROOT, "built without Go guests")
    def test_a_counter_in_Go(self):
        self.try_section("counter", "Go, on a listener that it is given")

    def test_a_counter_in_C(self):
        self.try_section("counter", "C, on sockets of its own")

    def test_a_pool_of_threads(self):
        self.try_section("worker-pool", "Run it")

    def test_visits_in_Redis(self):
        self.assertTrue(shutil.which("redis-server"), "redis-server is not installed: run tools/setup.sh")
        self.try_section("redis", "Run it")

    def test_all_in_one_process(self):
        self.try_section("aio", "Run it")

    @unittest.skipIf(missing_guests("python"), "CPython was not fetched by tools/setup.sh")
    def test_an_API_in_Python(self):
        self.try_section("python-app", "Run it")

    @unittest.skipIf(missing_guests("python") or not DJANGO.is_dir(), "CPython and Django were not fetched by tools/setup.sh")
    def test_a_Django_project(self):
        self.try_section("django", "Run it", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(DJANGO))

    @unittest.skipIf(missing_guests("quickjs"), "QuickJS was not fetched by tools/setup.sh")
    def test_an_app_in_JavaScript(self):
        self.try_section("javascript", "An app")


class Pages(unittest.TestCase):
    def test_every_example_has_a_page_and_every_section_a_test(self):
        tried = set(re.findall(r'try_section\("([\w-]+)", "([^"]+)"', pathlib.Path(__file__).read_text()))
        there = {(page.parent.name, title) for page in EXAMPLES.glob("*/README.md") for title, blocks in sections(page.parent.name) if blocks}
        self.assertEqual(tried, there)
        self.assertEqual([folder.name for folder in EXAMPLES.iterdir() if folder.is_dir() and not (folder / "README.md").is_file()], [])
        index = (EXAMPLES / "README.md").read_text()
        self.assertEqual({page.parent.name for page in EXAMPLES.glob("*/README.md")}, set(re.findall(r"\]\(([\w-]+)/README\.md\)", index)))


if __name__ == "__main__":
    main()
