#!/usr/bin/env python3
"""The `fiso` command: validate, module compile, module run."""
import json

from harness import FISO, TestCase, environment, flow_yaml, guest, main, run

ENVELOPE = b'{"payload":{"a":1},"headers":null,"direction":"inbound"}'


class Validate(TestCase):
    def test_a_good_directory_is_ok(self):
        path = self.directory(orders=flow_yaml(module=guest("enrich"))).path
        for ended in (run(FISO, "validate", path), run(FISO, "validate", env=environment(FISO_CONFIG_DIR=path))):
            self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{path}: ok\n"))

    def test_it_says_which_program_the_flows_need(self):
        path = self.directory(orders=flow_yaml(module=guest("enrich"), interceptor="      runtime: wasmer\n")).path
        ended = run(FISO, "validate", path)
        if b"is not in this build" in ended.stderr:
            self.assertEqual(ended.returncode, 1)
            return
        lines = ended.stdout.decode().splitlines()
        self.assertEqual((ended.returncode, lines[0]), (0, f"{path}: ok"))
        self.assertEqual(lines[1], "note: fiso-flow-wasmer runs these flows, fiso-flow does not: load config: 1 problem")
        self.assertRegex(lines[2], r'orders\.yaml:\d+:\d+: interceptors\[0\]\.config\.runtime: runtime "wasmer" is not in this '
                                   r"program: use fiso-flow-wasmer")

    def test_all_errors_of_a_bad_one_are_told(self):
        path = self.directory(a=flow_yaml(more="unknown: 1\n"), b="name: [").path
        ended = run(FISO, "validate", path)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("load config: 2 problems\n", ended.stderr.decode())


class Compile(TestCase):
    def test_every_file_is_tried_and_what_failed_is_told(self):
        ended = run(FISO, "module", "compile", guest("text"), guest("enrich"), "/nonexistent.wasm")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"{guest('enrich')}: ready in ", ended.stdout.decode())
        self.assertIn("it is not a WebAssembly binary", ended.stderr.decode())
        self.assertIn("module path not accessible: /nonexistent.wasm", ended.stderr.decode())


class Run(TestCase):
    def run_guest(self, name, *arguments, stdin=ENVELOPE):
        return run(FISO, "module", "run", guest(name), *arguments, stdin=stdin)

    def test_stdin_stdout_and_exit_code_pass_through(self):
        ended = self.run_guest("enrich")
        self.assertEqual((ended.returncode, ended.stderr), (0, b""))
        self.assertEqual(json.loads(ended.stdout)["payload"], {"wasm_enriched": True, "a": 1})
        self.assertEqual([self.run_guest(f"exit_{code}").returncode for code in (0, 1, 255)], [0, 1, 255])
        self.assertIn(b"payload", self.run_guest("enrich", "--pooled").stdout)

    def test_failures_have_exit_codes_of_their_own(self):
        for name, options, code, text in (("trap_unreachable", [], 134, b"wasm trap: unreachable"),
                                          ("loop", ["--timeout", "200ms"], 124, b"wasm execution timeout after 200ms"),
                                          ("memory_bomb", ["--memory-limit", "8MiB"], 137, b"wasm memory limit of 8MiB reached"),
                                          ("text", [], 1, b"it is not a WebAssembly binary")):
            ended = self.run_guest(name, *options)
            self.assertEqual(ended.returncode, code, (name, ended.stderr))
            self.assertIn(text, ended.stderr)

    def test_arguments_variables_and_directories(self):
        ended = self.run_guest("env_args", "--env", "A=1", "--env", "B=", "--", "-x", "y")
        self.assertEqual(json.loads(ended.stdout)["payload"], {"args": ["env_args.wasm", "-x", "y"], "env": {"A": "1", "B": ""}})
        folder = self.directory().path
        (folder / "greeting.txt").write_text("hello")
        stdin = b'{"payload":{"op":"read","path":"/data/greeting.txt"},"headers":null}'
        for option in (f"{folder}::/data", f"{folder}::/data:ro"):
            ended = self.run_guest("files", "--dir", option, stdin=stdin)
            self.assertEqual(json.loads(ended.stdout)["payload"]["text"], "hello")

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in ([], ["nonsense"], ["module"], ["module", "run"], ["module", "run", guest("enrich"), "--timeout", "soon"]):
            self.assertEqual(run(FISO, *arguments).returncode, 2, arguments)


if __name__ == "__main__":
    main()
