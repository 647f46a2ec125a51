#!/usr/bin/env python3
"""Holds every include of src/ and bin/ against the dependency graph in src/CMakeLists.txt.

A file may include its own library and whatever that one's DEPS reach; a program in bin/ what it links, and what that
reaches. Tests may in addition include the testing/ folder of any library and what TEST_LINKS reaches.
"""
import re

import tree

LIBRARY = re.compile(r"^[^#\n]*?\bfiso_library\(([^)]*)\)", re.M)
PROGRAM_LINKS = re.compile(r"\bfiso_([a-z_]+)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
KEYWORDS = {"DIR", "DEPS", "LINKS", "TEST_LINKS"}


class Library:
    def __init__(self, words):
        groups = {"NAME": []}
        keyword = "NAME"
        for word in words:
            if word in KEYWORDS:
                keyword = word
            else:
                groups.setdefault(keyword, []).append(word)
        self.name = groups["NAME"][0]
        self.folder = groups.get("DIR", [self.name])[0]
        self.deps = groups.get("DEPS", [])
        self.test_deps = [word.removeprefix("fiso_") for word in groups.get("TEST_LINKS", []) if word.startswith("fiso_")]


def reach(libraries, names):
    """The names and everything their DEPS lead to."""
    seen = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in seen and name in libraries:
            seen.add(name)
            todo.extend(libraries[name].deps)
    return seen


def owner(libraries, path):
    """The library whose folder holds `path` (relative to src/); the deepest folder wins."""
    holding = [library for library in libraries.values() if path.startswith(library.folder + "/")]
    return max(holding, key=lambda library: len(library.folder), default=None)


def read_graph(root, findings):
    libraries = {}
    text = tree.text_of(root / "src/CMakeLists.txt")
    for match in LIBRARY.finditer(text):
        library = Library(match.group(1).split())
        line = text.count("\n", 0, match.end()) + 1
        for dep in library.deps:
            if dep not in libraries:
                findings.append(f"src/CMakeLists.txt:{line}: {library.name} -> {dep}: no library above this line is called {dep}; "
                                "an arrow only points down")
        libraries[library.name] = library
    return libraries


def includes(path):
    for number, line in enumerate(tree.text_of(path).splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match.group(1)


def check_file(root, path, libraries, who, allowed):
    findings = []
    for number, included in includes(path):
        target = owner(libraries, included)
        if target is None or target.name in allowed:
            continue
        if tree.is_test(root, path) and "testing" in included.split("/"):
            continue
        findings.append(f'{path.relative_to(root)}:{number}: #include "{included}" needs an arrow {who} -> {target.name} '
                        "that src/CMakeLists.txt does not have")
    return findings


def check(root):
    findings = []
    libraries = read_graph(root, findings)
    for path in tree.files(root, "src", suffixes={".h", ".cc"}):
        library = owner(libraries, str(path.relative_to(root / "src")))
        if library is None:
            findings.append(f"{path.relative_to(root)}:1: belongs to no library of src/CMakeLists.txt")
            continue
        extra = library.test_deps if tree.is_test(root, path) else []
        findings += check_file(root, path, libraries, library.name, reach(libraries, [library.name, *extra]))
    if (root / "bin").is_dir():
        linked = PROGRAM_LINKS.findall("".join(tree.text_of(p) for p in tree.files(root, "bin") if p.name == "CMakeLists.txt"))
        allowed = reach(libraries, linked)
        for path in tree.files(root, "bin", suffixes={".h", ".cc"}):
            findings += check_file(root, path, libraries, "bin", allowed)
    return findings


if __name__ == "__main__":
    tree.main(check)
