#!/usr/bin/env python3
"""The documents speak of things that exist.

ARCHITECTURE.md names each step of an event's life as `path/file.cc: function` (the path from the root or from src/): the
file must exist and the function must occur in its code, not only in a comment or a text. Relative links of every document must lead somewhere.
"""
import re

import sizes
import tree

STEP = re.compile(r"`([\w./-]+\.(?:h|cc|rs)): ?([~\w:]+)(?:\(\))?`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def find_source(root, name):
    return next((path for path in (root / name, root / "src" / name) if path.is_file()), None)


def check_steps(root):
    document = root / "ARCHITECTURE.md"
    if not document.is_file():
        return ["ARCHITECTURE.md:1: is missing: the life of an event, each step as `path/file.cc: function`"]
    findings = []
    steps = 0
    for number, line in enumerate(tree.text_of(document).splitlines(), 1):
        for name, function in STEP.findall(line):
            steps += 1
            source = find_source(root, name)
            if source is None:
                findings.append(f"ARCHITECTURE.md:{number}: there is no file {name}")
            elif not re.search(rf"(?<!\w){re.escape(function.split('::')[-1])}\b", sizes.without_noise(tree.text_of(source))):
                findings.append(f"ARCHITECTURE.md:{number}: {name} has no {function}")
    if steps == 0:
        findings.append("ARCHITECTURE.md:1: names no step as `path/file.cc: function`")
    return findings


def check_links(root):
    findings = []
    for path in tree.files(root, suffixes={".md"}):
        for number, line in enumerate(tree.text_of(path).splitlines(), 1):
            for link in LINK.findall(line):
                if "://" not in link and not link.startswith("mailto:") and not (path.parent / link).exists():
                    findings.append(f"{path.relative_to(root)}:{number}: the link {link} leads nowhere")
    return findings


def check(root):
    return check_steps(root) + check_links(root)


if __name__ == "__main__":
    tree.main(check)
