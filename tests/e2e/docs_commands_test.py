#!/usr/bin/env python3
"""What the pages tell a reader to type works word for word: each page's commands are typed, by tools/check_docs.py."""
import os
import sys
import unittest

from harness import FISO_WASMER_HOST, SOURCE, main

sys.path.insert(0, str(SOURCE / "tools"))
import check_docs  # noqa: E402


class Pages(unittest.TestCase):
    def test_what_is_not_typed_is_listed_with_its_reason_and_what_make_is_asked_for_is_in_the_Makefile(self):
        self.assertEqual(check_docs.check_list(), [])

    def read(self, page):
        complaint, typed, skipped = check_docs.read(page)
        self.assertIsNone(complaint, complaint)
        for line in skipped:
            print(f"{page}: left out: {line}", file=sys.stderr)
        # What a whole build has is never left out.
        if FISO_WASMER_HOST and os.environ.get("FISO_GO_ROOT"):
            self.assertEqual([line for line in skipped if not check_docs.MAY_BE_MISSING.search(line)], [])
        if not typed:
            self.skipTest("; ".join(skipped) or "all of its commands are listed")


def add_tests():
    for page in check_docs.pages():
        name = page.removesuffix(".md").replace("/", "_").replace("-", "_")
        setattr(Pages, f"test_{name}", lambda self, page=page: self.read(page))


add_tests()

if __name__ == "__main__":
    main()
