#!/usr/bin/env python3
"""`fiso module new` and `fiso module test`: for every language whose toolchain is here a guest is begun, built and tested as it is
written, then one of its cases is broken."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import FISO, PATIENCE, TestCase, environment, guest, main, missing_guests, run

GO_ROOT = os.environ.get("FISO_GO_ROOT")
RUSTC = os.environ.get("FISO_RUSTC_FOR_GUESTS")
LANGUAGES = ("c", "go", "python", "rust")
EVENT = {"payload": {"a": 1}, "headers": {}, "direction": "inbound"}


class Folder(TestCase):
    """A scratch directory, which commands are typed in."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-module-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def fiso(self, *arguments, **env):
        return run(FISO, "module", *arguments, cwd=self.root, env=environment(**env))

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def case(self, name, given, expected, folder="cases"):
        self.write(f"{folder}/{name}.input.json", given)
        self.write(f"{folder}/{name}.expected.json", expected)

    def assert_ended(self, ended, code, out="", error=""):
        self.assertEqual((ended.returncode, ended.stdout.decode(), ended.stderr.decode()), (code, out, error))


class New(Folder):
    def new(self, *arguments):
        return self.fiso("new", *arguments)

    def test_it_says_what_it_has_written_and_what_to_do_next(self):
        ended = self.new("add-total", "--lang", "c")
        self.assert_ended(ended, 0, "add-total: Makefile README.md cases/ envelope.h guest.c json.h\n\nNext:\n"
                                    "  make -C add-total     # builds add-total/add-total.wasm\n"
                                    "  fiso module test add-total     # gives it add-total/cases/*.input.json\n"
                                    "add-total/README.md says how it is used.\n")

    def test_every_language_has_both_kinds(self):
        for language in LANGUAGES:
            for kind, cases in (("interceptor", 2), ("app", 3)):
                name = f"{language}-{kind}"
                self.assertEqual(self.new(name, "--lang", language, "--kind", kind).returncode, 0)
                self.assertEqual(len(list((self.root / name / "cases").glob("*.expected.json"))), cases)
                texts = [path.read_text() for path in (self.root / name).rglob("*") if path.is_file()]
                self.assertFalse(any("@NAME@" in text for text in texts))
                self.assertTrue(any(name in text for text in texts))

    def test_what_is_there_stays_as_it_is(self):
        (self.root / "mine").mkdir()
        self.write("file", "x")
        for name in ("mine", "file"):
            self.assert_ended(self.new(name, "--lang", "go"), 1, error=f"error: {name} is there already: take another name, or remove it\n")
        self.assertEqual((list((self.root / "mine").iterdir()), (self.root / "file").read_text()), ([], "x"))

    def test_a_name_leads_nowhere_else(self):
        for name in ("../x", "/tmp/x", "a/b", "A", "1a", ".", ""):
            ended = self.new(name, "--lang", "go")
            self.assertEqual((ended.returncode, ended.stdout), (2, b""), name)
            self.assertIn(f'"{name}" is no name for a guest', ended.stderr.decode())
        self.assertEqual(list(self.root.iterdir()), [])

    def test_an_unknown_language_or_kind_is_told_what_there_is(self):
        for arguments, words in ((["x", "--lang", "cobol"], LANGUAGES), (["x", "--lang", "c", "--kind", "sink"], ("interceptor", "app")),
                                 (["x"], ("--lang",))):
            ended = self.new(*arguments)
            self.assertEqual((ended.returncode, ended.stdout), (2, b""))
            for word in words:
                self.assertIn(word, ended.stderr.decode())
        self.assertEqual(list(self.root.iterdir()), [])

    def test_where_nothing_can_be_written_that_is_said(self):
        ended = run(FISO, "module", "new", "x", "--lang", "c", cwd="/proc")
        self.assertEqual((ended.returncode, ended.stdout), (1, b""))
        self.assertRegex(ended.stderr.decode(), "^error: make the folder x: .+\n$")


class Toolchains(Folder):
    """new, make, make test, and then a case that expects something else."""

    def make(self, name, *arguments, **env):
        plain = {key: value for key, value in environment(**env).items() if not key.startswith(("MAKE", "MFLAGS", "GOFLAGS", "GOROOT"))}
        ended = subprocess.run(["make", "-C", name, *arguments, f"FISO={FISO}"], cwd=self.root, env=plain, capture_output=True,
                               timeout=PATIENCE * 4, check=False)
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode()

    def try_language(self, language, *arguments, **env):
        for kind, cases, broken, wrong, difference in (
                ("interceptor", ["list", "order"], "order", {"payload": {"order_id": "12345", "amount": 99.98, "seen": True}, "headers": {}},
                 "FAIL order: headers.X-Seen-By: not expected, got \"my-interceptor\"\n            payload.amount: expected 99.98, got 99.99\n"),
                ("app", ["echo", "hello", "no_such_page"], "hello", {"status": 200, "body": {"greeting": "good morning"}},
                 "FAIL hello: body.greeting: expected \"good morning\", got \"hello\"\n")):
            name = f"my-{kind}"
            self.assertEqual(self.fiso("new", name, "--lang", language, "--kind", kind).returncode, 0)
            code, out, error = self.make(name, "test", *arguments, **env)
            self.assertEqual(code, 0, out + error)
            passed = "".join(f"ok   {case}\n" for case in cases)
            self.assertIn(f"{passed}{len(cases)} of {len(cases)} cases passed\n", out)
            self.write(f"{name}/cases/{broken}.expected.json", wrong)
            ended = self.fiso("test", name, **env)
            said = "".join(difference if case == broken else f"ok   {case}\n" for case in cases)
            self.assert_ended(ended, 1, f"{said}{len(cases) - 1} of {len(cases)} cases passed\n")
            self.assertEqual(self.fiso("test", name, "--kind", "app" if kind == "interceptor" else "interceptor", **env).returncode, 2)

    @unittest.skipUnless(shutil.which("clang-19"), "no clang-19 here")
    def test_a_guest_in_C(self):
        self.try_language("c")

    @unittest.skipUnless(GO_ROOT, "built without Go guests")
    def test_a_guest_in_Go(self):
        self.try_language("go", f"GO={GO_ROOT}/bin/go", GOTOOLCHAIN="local", GOPROXY="off", GOWORK="off",
                          GOCACHE=os.environ.get("FISO_GO_CACHE") or str(self.root / "go-build"))

    @unittest.skipUnless(RUSTC and os.path.exists(RUSTC), "no Rust for guests: rustup target add wasm32-wasip1")
    def test_a_guest_in_Rust(self):
        self.try_language("rust", f"RUSTC={RUSTC}")

    @unittest.skipIf(missing_guests("python"), "CPython was not fetched by tools/setup.sh")
    def test_a_guest_in_Python(self):
        self.assertEqual(self.fiso("compile", guest("python")).returncode, 0)  # compiled once: that takes seconds
        self.try_language("python", FISO_PYTHON=guest("python"))


class Test(Folder):
    def test_the_module_and_its_cases_are_found_or_named(self):
        (self.root / "x").mkdir()
        shutil.copy(guest("enrich"), self.root / "x/x.wasm")
        expected = {"payload": {"a": 1.0, "wasm_enriched": True}, "headers": {"X-Wasm-Enriched": "true"}}
        self.case("one", EVENT, expected, "x/cases")
        self.case("other", EVENT, expected, "elsewhere")
        said = "ok   {}\n1 of 1 cases passed\n"
        self.assert_ended(self.fiso("test", "x"), 0, said.format("one"))
        self.assert_ended(self.fiso("test", "x/x.wasm"), 0, said.format("one"))
        self.assert_ended(self.fiso("test", "x", "--cases", "elsewhere", "--pooled"), 0, said.format("other"))
        self.assert_ended(run(FISO, "module", "test", cwd=self.root / "x"), 0, said.format("one"))

    def test_nothing_to_test_is_an_error(self):
        for name in ("x.wasm", "z.wasm"):
            shutil.copy(guest("enrich"), self.root / name)
        self.write("y.py", "")
        for arguments, complaint in (
                (["none"], "none: No such file or directory"),
                (["."], ".: which one is to be tested: x.wasm, z.wasm, y.py? Name it"),
                (["x.wasm"], "cases: there is no such folder of cases: a case is NAME.input.json"),
                (["x.wasm", "--cases", "."], ".: there are no cases here: a case is NAME.input.json"),
                (["x.wasm", "--timeout", "soon"], '"soon" is not a duration')):
            ended = self.fiso("test", *arguments)
            self.assertEqual((ended.returncode, ended.stdout), (2, b""), arguments)
            self.assertIn(complaint, ended.stderr.decode())
        self.case("a", EVENT, "{", "cases")
        ended = self.fiso("test", "x.wasm")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("cases/a.expected.json:1:2: this is not JSON", ended.stderr.decode())
        self.case("a", EVENT, EVENT)
        self.assert_ended(self.fiso("test", "y.py"), 2, error="error: y.py: CPython for WASI runs scripts: name it by --python or FISO_PYTHON, "
                                                              "or put ./python.wasm there (docs/guests.md, In Python)\n")
        ended = self.fiso("test", guest("text"), "--cases", "cases")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("it is not a WebAssembly binary", ended.stderr.decode())

    def test_a_guest_that_fails_is_told_as_a_server_would(self):
        self.case("a", EVENT, EVENT)
        for name, options, text in (("trap_unreachable", [], "wasm trap: unreachable"), ("exit_45", [], "module closed with exit_code(45)"),
                                    ("loop", ["--timeout", "200ms"], "wasm execution timeout after 200ms"),
                                    ("memory_bomb", ["--memory-limit", "8MiB"], "wasm memory limit of 8MiB reached"),
                                    ("empty_output", [], "wasm unmarshal output: unexpected end of JSON input"),
                                    ("output_not_object", [], "wasm unmarshal output: ")):
            ended = self.fiso("test", guest(name), "--cases", "cases", *options)
            self.assertEqual(ended.returncode, 1, (name, ended.stderr))
            self.assertRegex(ended.stdout.decode(), rf"^FAIL a: {text.replace('(', '[(]').replace(')', '[)]')}.*\n0 of 1 cases passed\n$")

    def test_an_app_is_held_against_the_contract_of_apps(self):
        self.case("a", {"method": "GET", "path": "/bad"}, {"status": 99999})
        ended = self.fiso("test", guest("hello_app"), "--cases", "cases")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stdout.decode(), "^FAIL a: decode wasm response: .*\n")

    def test_each_case_is_given_what_the_options_say(self):
        for name in ("a", "b"):
            self.case(name, EVENT, {"payload": {"args": ["env_args.wasm", "-x"], "env": {"A": "1"}}, "headers": {}})
        ended = self.fiso("test", guest("env_args"), "--cases", "cases", "--env", "A=1", "--", "-x")
        self.assert_ended(ended, 0, "ok   a\nok   b\n2 of 2 cases passed\n")

    def test_no_case_sees_what_another_has_left(self):
        for name in ("a", "b"):
            self.case(name, EVENT, {"payload": {"a": 1, "served": 1}, "headers": {}})
        for options in ([], ["--pooled"]):
            ended = self.fiso("test", guest("ndjson"), "--cases", "cases", *options)
            self.assert_ended(ended, 0, "ok   a\nok   b\n2 of 2 cases passed\n")

    def test_what_the_guest_writes_to_stderr_is_shown(self):
        self.case("a", EVENT, {"payload": 1})
        ended = self.fiso("test", guest("stderr_lines"), "--cases", "cases")
        self.assertEqual(ended.returncode, 1)
        self.assertTrue(ended.stderr)

    @unittest.skipIf(missing_guests("python"), "CPython was not fetched by tools/setup.sh")
    def test_a_script_that_fails_shows_its_traceback(self):
        self.write("s.py", "raise ValueError('it is to fail')\n")
        self.case("a", EVENT, {"payload": 1})
        ended = self.fiso("test", "s.py", "--python", guest("python"))
        self.assertEqual((ended.returncode, ended.stdout), (1, b"FAIL a: module closed with exit_code(1)\n0 of 1 cases passed\n"))
        self.assertIn(b"ValueError: it is to fail", ended.stderr)
        ended = self.fiso("test", "s.py", "--python", guest("python"), "--dir", ".::/scripts")
        self.assertEqual(ended.returncode, 2)
        self.assertIn(b"--dir: /scripts is where the script is", ended.stderr)


if __name__ == "__main__":
    main()
