"""What the lints share: the files of a source tree, and a command line of one shape.

A lint is a function `check(root) -> list[str]`, one finding per entry, each `path:line: what is wrong and what to do`.
Run as a program it takes the root (default: this repository), prints the findings and exits 1 if there are any.
"""
import os
import pathlib
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "tmp", "testdata", "__pycache__", "target", "corpus", "node_modules"}


def files(root, *folders, suffixes=None):
    """Every file below the folders (default: the root), sorted, without build output and lint test data."""
    for folder in folders or (".",):
        for place, inside, names in os.walk(root / folder):
            inside[:] = sorted(name for name in inside if name not in SKIPPED)
            for path in (pathlib.Path(place) / name for name in sorted(names) if name not in SKIPPED):
                if suffixes is None or path.suffix in suffixes:
                    yield path


def text_of(path):
    return path.read_text(encoding="utf-8", errors="replace")


def is_test(root, path):
    inside = path.relative_to(root)
    return inside.stem.endswith("_test") or not {"tests", "testing"}.isdisjoint(inside.parts)


def is_generated(text):
    """A file says so itself in its first lines."""
    return any("generated" in line.lower() and "do not edit" in line.lower() for line in text.splitlines()[:5])


def main(check):
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else REPOSITORY
    findings = check(root)
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
