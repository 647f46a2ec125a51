#!/usr/bin/env python3
"""clang-tidy over every source of a build directory, each only when something it reads has changed.

    tidy.py [BUILD_DIR]      default: build/release, which must have been built

A source that passed leaves an empty file named by a hash of all that matters: the source, every header of ours that it
includes (as the compiler reported to Ninja), its compile command, .clang-tidy and the version of clang-tidy. The files live
in the build cache, so a fresh clone of unchanged sources is quick too.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import tree

CLANG_TIDY = "clang-tidy-19"
FOLDERS = ("src", "bin", "fuzz", "tests", "bench")
# Tests await what they spawn in the same expression, and a long table of cases is one function.
LEFT_OUT_FOR_TESTS = "-cppcoreguidelines-avoid-capturing-lambda-coroutines,-readability-function-size"


def cache_folder():
    home = os.environ.get("FISO_BUILD_CACHE") or pathlib.Path.home() / ".cache/fiso"
    folder = pathlib.Path(home) / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def commands(root, build):
    """source -> (object, compile command), for sources of ours."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if any(source.is_relative_to(root / folder) for folder in FOLDERS) and source.is_file():
            words = shlex.split(entry["command"])
            found.setdefault(source, (words[words.index("-o") + 1], entry["command"]))
    return found


def included(root, build):
    """object -> the files of ours that it was made of, from Ninja's log of dependencies."""
    found = {}
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        head, *names = block.strip().splitlines() or [""]
        paths = (pathlib.Path(os.path.normpath(build / name.strip())) for name in names)
        if head.endswith("(VALID)"):
            found[head.split(": #deps")[0]] = sorted(path for path in paths if path.is_relative_to(root))
    return found


def key_of(root, common, command, files):
    digest = hashlib.sha256(common)
    # The same sources in another folder are the same sources.
    digest.update(command.replace(str(root), "").encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def run(root, build, source):
    """The findings of one source, as clang-tidy words them; empty if it passes."""
    arguments = [CLANG_TIDY, "-p", build, "--quiet", source]
    if tree.is_test(root, source):
        arguments.insert(1, "--checks=" + LEFT_OUT_FOR_TESTS)
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=root)
    if done.returncode == 0:
        return ""
    noise = re.compile(r"^\d+ warnings? (generated|treated).*\n|^Suppressed .*\n|^Use -header-filter.*\n", re.M)
    return done.stdout + noise.sub("", done.stderr)


def check(root, build):
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + (root / ".clang-tidy").read_bytes() + LEFT_OUT_FOR_TESTS.encode()
    folder = cache_folder()
    dependencies = included(root, build)
    todo = []
    for source, (output, command) in sorted(commands(root, build).items()):
        files = dependencies.get(output)
        stamp = folder / key_of(root, common, command, files) if files else None
        if stamp is None or not stamp.exists():
            todo.append((source, stamp))

    findings = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (source, stamp), words in zip(todo, pool.map(lambda work: run(root, build, work[0]), todo)):
            if words:
                findings.append(words.strip())
            elif stamp is not None:
                stamp.touch()
    return findings, len(todo)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else tree.REPOSITORY / "build/release").resolve()
    if not (build / "compile_commands.json").is_file():
        sys.exit(f"{build} is not a build directory: run `make build` first")
    findings, looked_at = check(tree.REPOSITORY, build)
    # A header's finding shows once per source that includes it.
    seen = set()
    for finding in findings:
        if finding not in seen:
            print(finding, end="\n\n")
        seen.add(finding)
    print(f"clang-tidy: {looked_at} sources looked at, {len(findings)} with findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
