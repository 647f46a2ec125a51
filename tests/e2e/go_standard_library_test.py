#!/usr/bin/env python3
"""Go's own tests of its standard library, compiled for WASI preview 1 and run by `fiso module run`: what others expect of a host.

Short mode. Packages that take longer, or need a larger stack than a guest has by default, wait for FISO_LONG=1.
"""
import os
import pathlib
import re
import subprocess
import unittest

from harness import FISO, GUESTS, LONG, TestCase, environment, main

TESTS = GUESTS.parent / "go_tests"
GO = pathlib.Path(os.environ.get("FISO_GO_ROOT") or "/nonexistent")
LARGE_STACK = ["--max-stack", "8MiB"]

# A test of Go that cannot pass here, and why. The pattern is one of -test.skip.
DEVICE = {
    "^TestOpenFileDevNull$": "opens /dev/null: devices are refused",
    "^TestDevNullFile$": "the same",
}
# `bSdpbF` and its like are paths in Go's own notation; these make a link to DIR/../TARGET.
DOTS_BEHIND_A_NAME = {"^TestRootMulti/bs?Sdpb": "makes links with `..` behind a name (src/wasm/wasi/guest_links.h)"}


def tests_of(package):
    return TESTS / f"{package.replace('/', '_')}.wasm"


@unittest.skipUnless(tests_of("io").exists(), "there are no tests of the Go standard library here, or no Go")
class GoStandardLibrary(TestCase):
    def passes(self, package, *, least, options=(), only=None, but=None):
        """All of the package's tests pass or skip themselves, and at least so many pass."""
        root, temporary = self.directory().path, self.directory().path
        arguments = ["-test.short", "-test.v"]
        if only:
            arguments.append(f"-test.run={only}")
        if but:
            arguments.append(f"-test.skip={'|'.join(but)}")
        command = [FISO, "module", "run", tests_of(package), "--timeout", "10m", "--memory-limit", "1GiB", *options,
                   "--dir", f"{root}::/", "--dir", f"{temporary}::/tmp", "--dir", f"{GO}::{GO}:ro",
                   "--env", "TMPDIR=/tmp", "--env", f"GOROOT={GO}", "--env", f"PWD={GO}/src/{package}", "--", *arguments]
        ended = subprocess.run(command, env=environment(), capture_output=True, timeout=900, check=False)
        said = ended.stdout.decode(errors="replace")
        failed = re.findall(r"^ *--- FAIL: (\S+)", said, re.MULTILINE)
        self.assertEqual((failed, ended.returncode), ([], 0), (package, said[-2000:], ended.stderr[-2000:]))
        self.assertGreaterEqual(len(re.findall(r"^--- PASS", said, re.MULTILINE)), least, package)

    def test_streams_strings_and_randomness(self):
        for package, least in (("io", 50), ("bufio", 50), ("strings", 80), ("crypto/rand", 10)):
            with self.subTest(package):
                self.passes(package, least=least)

    def test_directories_links_and_renames(self):
        self.passes("os", least=20, only="^TestRoot[^M]|Symlink|ReadDir|Rename|Link")

    @unittest.skipUnless(LONG, "long")
    def test_files(self):
        self.passes("os", least=100, but={**DEVICE, **DOTS_BEHIND_A_NAME})
        self.passes("io/fs", least=10, options=LARGE_STACK)
        self.passes("path/filepath", least=10, options=LARGE_STACK)

    @unittest.skipUnless(LONG, "long")
    def test_json(self):
        self.passes("encoding/json", least=50, options=LARGE_STACK)


if __name__ == "__main__":
    main()
