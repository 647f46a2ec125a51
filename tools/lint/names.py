#!/usr/bin/env python3
"""Names and words: files are snake_case, locks and sleeps stay where they belong, and nothing ties the tree to one machine."""
import re

import tree

FOLDERS = ("src", "bin", "fuzz", "tests", "bench", "tools", "guests", "native", "cmake", "examples")
SOURCES = {".h", ".cc", ".c", ".rs", ".go", ".wat", ".py", ".sh"}
PYTHONS_OWN = {"__init__.py"}
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

LOCK = re.compile(r"\bstd::(\w*mutex|condition_variable\w*)\b")
SLEEP = re.compile(r"\b(sleep_for|this_thread::sleep_until|usleep|nanosleep)\b|(?<![\w:.])sleep\s*\(")
MACHINE_PATH = re.compile(r"(?<![\w.~}/])/(?:work|root)/")
REGISTRY = re.compile(r"\b(?:pypi|files\.pythonhosted|(?:static\.|index\.)?crates|registry\.npmjs|(?:proxy|sum)\.golang"
                      r"|deb\.debian|security\.debian)\.(?:org|io)\b", re.I)
ANYWHERE = ((MACHINE_PATH, "a path of one machine"),
            (REGISTRY, "the host of a registry: its client knows it"))
# Written by their tools: where a lock file comes from is its business.
LOCK_FILES = {"Cargo.lock", "go.sum"}


def may_lock(name):
    return name == "src/base/guarded.h" or name.startswith("src/async/")


def check_line(name, is_test, line):
    for pattern, what in ANYWHERE:
        if match := pattern.search(line):
            yield f"`{match.group()}` is {what}"
    if not name.endswith((".h", ".cc")):
        return
    code = line.split("//", 1)[0]
    if (match := LOCK.search(code)) and name.startswith(("src/", "bin/")) and not may_lock(name):
        yield f"`{match.group()}`: shared data lives in Guarded<T> (base/guarded.h)"
    if is_test and (match := SLEEP.search(code)):
        yield f"`{match.group().rstrip('(')}` in a test: wait for what happens, or move a ManualClock"


def check(root):
    findings = []
    for path in tree.files(root, *FOLDERS):
        if path.suffix in SOURCES and path.name not in PYTHONS_OWN and not SNAKE_CASE.fullmatch(path.name.split(".")[0]):
            findings.append(f"{path.relative_to(root)}:1: file names are snake_case")
    for path in tree.files(root):
        if path.name in LOCK_FILES:
            continue
        name = str(path.relative_to(root))
        is_test = tree.is_test(root, path)
        for number, line in enumerate(tree.text_of(path).splitlines(), 1):
            findings += (f"{name}:{number}: {what}" for what in check_line(name, is_test, line))
    return findings


if __name__ == "__main__":
    tree.main(check)
