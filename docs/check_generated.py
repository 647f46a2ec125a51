#!/usr/bin/env python3
"""The generated pages are what the generator writes today, and the schemas are JSON.

    check_generated.py GENERATOR
"""
import difflib
import json
import pathlib
import subprocess
import sys
import tempfile

PAGES = ("config-reference.md", "config-schema.json", "settings-schema.json", "apps-reference.md", "apps-schema.json",
         "link-reference.md", "link-schema.json", "aio-reference.md", "aio-schema.json")


def main():
    here = pathlib.Path(__file__).resolve().parent
    stale = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True, timeout=30)
        for name in PAGES:
            fresh = (pathlib.Path(folder) / name).read_text()
            if name.endswith(".json"):
                json.loads(fresh)
            old = (here / name).read_text() if (here / name).exists() else ""
            for line in difflib.unified_diff(old.splitlines(), fresh.splitlines(), f"docs/{name}", "generated", lineterm="", n=1):
                stale = True
                print(line)
    if stale:
        sys.exit("docs/ is not up to date: ninja -C build/release docs")


if __name__ == "__main__":
    main()
