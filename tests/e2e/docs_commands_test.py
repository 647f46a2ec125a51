#!/usr/bin/env python3
"""What the pages tell a reader to type works word for word: each page's commands are typed, by tools/check_docs.py."""
import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

from harness import FISO_WASMER_HOST, SOURCE, TestCase, main

sys.path.insert(0, str(SOURCE / "tools"))
import check_docs  # noqa: E402


class Pages(unittest.TestCase):
    def test_what_is_not_typed_is_listed_with_its_reason_and_what_make_is_asked_for_is_in_the_Makefile(self):
        self.assertEqual(check_docs.check_list(), [])

    def read(self, page):
        complaint, typed, skipped = check_docs.read(page)
        self.assertIsNone(complaint, complaint)
        for why, _ in skipped:
            print(f"left out: {why}", file=sys.stderr)
        # What a whole build has is never left out.
        if FISO_WASMER_HOST and os.environ.get("FISO_GO_ROOT"):
            self.assertEqual([why for why, is_listed in skipped if not is_listed], [])
        if not typed:
            self.skipTest("; ".join(why for why, _ in skipped) or "all of its commands are listed")


class Reading(TestCase):
    """The tool finds what it is for."""

    def read(self, text):
        folder = tempfile.TemporaryDirectory(prefix="fiso-docs-")
        self.addCleanup(folder.cleanup)
        page = pathlib.Path(folder.name) / "page.md"
        page.write_text(text)
        with unittest.mock.patch.object(check_docs, "SHOWN_WITHIN", 0.1):
            return check_docs.read(str(page))

    def test_a_page_that_is_true(self):
        said = self.read("```yaml\n# a/b.yaml\nport: 8090\n```\n```sh\n"
                         "cat a/b.yaml    # a file\nsleep 60 &\nkill %1\ncat <<'END'\nx\nEND\necho one \\\n  two\n```\n```text\nport:\nx\none … two\n```\n")
        self.assertEqual(said, (None, 5, []))

    def test_a_command_that_fails_is_told_with_what_it_said(self):
        complaint, typed, _ = self.read("# A\n\n```sh\necho fine\nls /nowhere\necho never\n```\n")
        self.assertRegex(complaint, r"page.md:3: ls /nowhere\nit ended with 2:\n.*/nowhere")
        self.assertEqual(typed, 2)

    def test_output_that_does_not_come_is_told(self):
        complaint, _, _ = self.read("```sh\necho two; echo one\n```\n```text\none\ntwo\n```\n")
        self.assertRegex(complaint, "page.md:4: `two` was not printed")

    def test_what_this_build_has_not_is_left_out_with_its_output(self):
        complaint, typed, skipped = self.read("```sh\n./tmp/fiso module run build/release/guests/never.wasm\n```\n```text\nno\n```\n```sh\ntrue\n```\n")
        self.assertEqual((complaint, typed, len(skipped)), (None, 1, 1))
        self.assertIn("the guest never.wasm is not in this build", skipped[0][0])


def add_tests():
    for page in check_docs.pages():
        name = page.removesuffix(".md").replace("/", "_").replace("-", "_")
        setattr(Pages, f"test_{name}", lambda self, page=page: self.read(page))


add_tests()

if __name__ == "__main__":
    main()
