#!/usr/bin/env python3
"""The `fiso` command: validate, health, module compile, module run."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading

from harness import FISO, FISO_WASMER_HOST, ReservedPort, TestCase, environment, flow_yaml, guest, main, run

ENVELOPE = b'{"payload":{"a":1},"headers":null,"direction":"inbound"}'


class Usage(TestCase):
    def test_without_a_command_it_says_what_there_is(self):
        for arguments in ((), ("help",), ("-h",), ("--help",)):
            ended = run(FISO, *arguments)
            self.assertEqual((ended.returncode, ended.stderr), (0, b""), arguments)
            for word in (b"validate", b"module"):
                self.assertIn(word, ended.stdout)

    def test_an_unknown_command_is_named(self):
        for arguments in (("nope",), ("nope", "--flag"), ("validat", "/x")):
            ended = run(FISO, *arguments)
            self.assertEqual((ended.returncode, ended.stdout), (1, b""))
            self.assertEqual(ended.stderr.decode(), f"error: unknown command \"{arguments[0]}\"\nRun 'fiso help' for usage\n")


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


class Health(TestCase):
    def test_a_server_that_answers_is_alive_and_ready(self):
        admin = f":{self.serve().admin_port}"
        ended = run(FISO, "health", admin)
        self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{admin}/healthz: HTTP/1.1 200 OK\n"))
        ended = run(FISO, "health", "--ready", env=environment(FISO_METRICS_ADDR=f"127.0.0.1{admin}"))
        self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"127.0.0.1{admin}/readyz: HTTP/1.1 200 OK\n"))

    def test_what_is_not_ready_is_not(self):
        sink = self.sink()  # which has only POST, and answers a GET with 501
        ended = run(FISO, "health", f"127.0.0.1:{sink.port}")
        self.assertEqual((ended.returncode, ended.stdout.decode().split(":")[-1].split()[1]), (1, "501"))

    def test_nobody_there_is_said(self):
        port = self.closing(ReservedPort())
        for address, why in ((port.address, "Connection refused"), ("nonsense", "expected HOST:PORT")):
            ended = run(FISO, "health", address)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(why, ended.stderr.decode())


class Compile(TestCase):
    def test_every_file_is_tried_and_what_failed_is_told(self):
        ended = run(FISO, "module", "compile", guest("text"), guest("enrich"), "/nonexistent.wasm")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"{guest('enrich')}: ready in ", ended.stdout.decode())
        self.assertIn("it is not a WebAssembly binary", ended.stderr.decode())
        self.assertIn("module path not accessible: /nonexistent.wasm", ended.stderr.decode())

    def test_a_cache_that_cannot_be_used_is_an_error(self):
        for runtime in ("wazero", "wasmer") if os.path.exists(FISO_WASMER_HOST) else ("wazero",):
            ended = run(FISO, "module", "compile", "--runtime", runtime, guest("enrich"), env=environment(FISO_CACHE_DIR="/dev/null/cache"))
            self.assertEqual((ended.returncode, ended.stdout), (1, b""))
            self.assertRegex(ended.stderr.decode(), "^error: module cache cannot be used: .*/dev/null/cache")
        self.assertEqual(run(FISO, "module", "run", guest("exit_0"), env=environment(FISO_CACHE_DIR="/dev/null/cache")).returncode, 0)

    def test_the_runtime_says_for_which_engine(self):
        with tempfile.TemporaryDirectory() as cache:
            def artifacts(runtime):
                ended = run(FISO, "module", "compile", "--runtime", runtime, guest("enrich"), env=environment(FISO_CACHE_DIR=cache))
                self.assertEqual(ended.returncode, 0, ended.stderr)
                return {path.name for path in pathlib.Path(cache).glob("*.artifact")}
            light = artifacts("wazero")
            self.assertEqual(len(light), 1)
            if os.path.exists(FISO_WASMER_HOST):
                self.assertEqual(len(artifacts("wasmer") - light), 1)
        self.assertEqual(run(FISO, "module", "compile", "--runtime", "v8", guest("enrich")).returncode, 2)


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

    def test_the_stack_is_as_large_as_it_is_told(self):
        self.assertEqual(self.run_guest("recurse_2000", "--max-stack", "64KiB").returncode, 134)
        self.assertEqual(self.run_guest("recurse_2000", "--max-stack", "1MiB").returncode, 0)

    def test_arguments_variables_and_directories(self):
        ended = self.run_guest("env_args", "--env", "A=1", "--env", "B=", "--", "-x", "y")
        self.assertEqual(json.loads(ended.stdout)["payload"], {"args": ["env_args.wasm", "-x", "y"], "env": {"A": "1", "B": ""}})
        folder = self.directory().path
        (folder / "greeting.txt").write_text("hello")
        stdin = b'{"payload":{"op":"read","path":"/data/greeting.txt"},"headers":null}'
        for option in (f"{folder}::/data", f"{folder}::/data:ro"):
            ended = self.run_guest("files", "--dir", option, stdin=stdin)
            self.assertEqual(json.loads(ended.stdout)["payload"]["text"], "hello")

    def test_options_may_begin_with_one_dash_as_those_of_the_servers_do(self):
        self.assertEqual(self.run_guest("loop", "-timeout", "200ms").returncode, 124)
        self.assertEqual(self.run_guest("enrich", "-timeout=20s", "-pooled").returncode, 0)
        ended = self.run_guest("env_args", "-env", "A=1", "-env", "B=2", "--", "-x")
        self.assertEqual(json.loads(ended.stdout)["payload"], {"args": ["env_args.wasm", "-x"], "env": {"A": "1", "B": "2"}})
        self.assertRegex(run(FISO, "-version").stdout, rb"^fiso \d")
        self.assertIn(b"--memory-limit", run(FISO, "module", "run", "-help").stdout)

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in (["module"], ["module", "nonsense"], ["module", "run"], ["validate", "a", "b"]):
            self.assertEqual(run(FISO, *arguments).returncode, 2, arguments)

    def test_a_wrong_value_is_told_before_anything_runs(self):
        for option, value, text in (("--timeout", "soon", '"soon" is not a duration'), ("--timeout", "0s", "it must be more than 0"),
                                    ("--memory-limit", "much", '"much" is not a size'), ("--memory-limit", "1KiB", "it must be between 64KiB and 4GiB"),
                                    ("--memory-limit", "5GiB", "it must be between 64KiB and 4GiB"),
                                    ("--max-stack", "1KiB", "it must be between 64KiB and 16MiB"),
                                    ("--env", "NAME", "write NAME=VALUE"), ("--env", "=x", "write NAME=VALUE"),
                                    ("--dir", "::/data", "write HOST::GUEST"), ("--dir", ".::", "write HOST::GUEST"),
                                    ("--dir", "/tmp::/x:rw", "write HOST::GUEST"), ("--dir", "/tmp:/x", "write HOST::GUEST"),
                                    ("--dir", "/tmp::/a/../b", "the guest's path cannot have . or .. in it"),
                                    ("--dir", "/nonexistent::/data", "preopen directory not accessible")):
            ended = run(FISO, "module", "run", "/nonexistent.wasm", option, value)  # the module is not even looked for
            self.assertEqual(ended.returncode, 2, (option, value, ended.stderr))
            self.assertIn(text, ended.stderr.decode())
            self.assertIn(value.removesuffix("::/data") or value, ended.stderr.decode())
            self.assertNotIn("nonexistent.wasm", ended.stderr.decode())

    def test_what_is_given_twice_is_told(self):
        for option, one, other, text in (("--dir", "/tmp::/x", "/::/x/:ro", "/x is there twice"),
                                         ("--env", "A=1", "A=2", "A is there twice")):
            ended = run(FISO, "module", "run", "/nonexistent.wasm", option, one, option, other)
            self.assertEqual(ended.returncode, 2, ended.stderr)
            self.assertIn(f"{option} {other}: {text}", ended.stderr.decode())


class Streams(TestCase):
    """stdin, stdout and stderr pass while the guest runs."""

    def start(self, *arguments, **options):
        process = subprocess.Popen([FISO, "module", "run", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process):
        process.stdin.close()
        return process.wait(60)

    def test_what_is_written_appears_while_the_guest_runs(self):
        for arguments in ((guest("cat"),), (guest("cat"), "--", "poll")):
            process = self.start(*arguments)
            for text in (b"one", b"two, without a newline", b"\0\xff\n"):
                process.stdin.write(text)
                process.stdin.flush()
                self.assertEqual(os.read(process.stdout.fileno(), 100), text)  # comes before the end of stdin
            self.assertEqual(self.end(process), 0)
            self.assertEqual((process.stdout.read(), process.stderr.read()), (b"", b"28 bytes\n"))

    def test_more_passes_than_there_is_memory(self):
        piece, count = bytes(range(256)) * 4096, 400
        process = self.start(guest("cat"), "--memory-limit", "8MiB", "--timeout", "5m")

        def feed():
            for _ in range(count):
                process.stdin.write(piece)
            process.stdin.close()

        feeder = threading.Thread(target=feed)
        feeder.start()
        for _ in range(count):
            self.assertTrue(process.stdout.read(len(piece)) == piece)
        feeder.join()
        self.assertEqual(process.stdout.read(), b"")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(usage.ru_maxrss * 1024, count * len(piece) / 2)

    def test_a_guest_that_waits_for_stdin_is_stopped_in_time(self):
        process = self.start(guest("cat"), "--timeout", "200ms")
        self.assertEqual(process.wait(60), 124)
        self.assertIn(b"wasm execution timeout after 200ms", process.stderr.read())
        process.stdin.close()

    def test_a_guest_that_nobody_reads_is_stopped_in_time(self):
        process = self.start(guest("stdout_endless"), "--timeout", "200ms")
        self.assertEqual(process.wait(60), 124)
        process.stdin.close()

    def test_a_reader_that_is_gone_is_an_errno_for_the_guest(self):
        process = self.start(guest("cat"))
        process.stdout.close()
        process.stdin.write(b"x")
        self.assertEqual(self.end(process), 3)

    def test_an_interrupt_ends_it(self):
        process = self.start(guest("cat"))
        process.stdin.write(b"x")
        process.stdin.flush()
        self.assertEqual(os.read(process.stdout.fileno(), 1), b"x")  # it waits for more now, or will
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), -signal.SIGINT)
        process.stdin.close()

    def test_streams_that_are_closed_are_empty(self):
        ended = subprocess.run(["sh", "-c", 'exec "$0" module run "$1" <&- >&-', FISO, guest("cat")], stderr=subprocess.PIPE,
                               timeout=60, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (0, b"0 bytes\n"))

    def test_pooled_guests_get_all_of_stdin_at_their_first_read(self):
        process = self.start(guest("cat"), "--pooled")
        process.stdin.write(b"x" * 100_000)
        process.stdin.close()
        self.assertEqual((process.stdout.read(), process.wait(60)), (b"x" * 100_000, 0))
        self.assertEqual(process.stderr.read(), b"100000 bytes\n")

    def test_an_input_that_cannot_be_read_is_an_error(self):
        directory = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, directory)
        ended = subprocess.run([FISO, "module", "run", guest("cat"), "--pooled"], stdin=directory, capture_output=True, timeout=60, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (1, b"error: standard input: Is a directory\n"))


if __name__ == "__main__":
    main()
