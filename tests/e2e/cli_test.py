#!/usr/bin/env python3
"""The command line of fiso-flow: flags, environment, exit codes, and the lines of the integration guide."""
import json
import pathlib
import unittest

from harness import (ANY_PORT, FISO, FISO_FLOW, SOURCE, Flow, ReservedPort, TestCase, answers, environment, flow_yaml, get, guest, main,
                     poll, run)
from link_harness import FISO_LINK


class Flags(TestCase):
    def test_version_is_printed_in_every_spelling(self):
        for flag in ("-version", "--version"):
            ended = run(FISO_FLOW, flag)
            self.assertEqual(ended.returncode, 0)
            self.assertRegex(ended.stdout.decode(), r"^fiso-flow \d+\.\d+\.\d+\n$")

    def test_help_names_every_flag_and_variable(self):
        for flag in ("-help", "--help", "-h"):
            ended = run(FISO_FLOW, flag)
            self.assertEqual(ended.returncode, 0)
            text = ended.stdout.decode()
            for word in ("config-dir", "log-level", "check", "version", "FISO_CONFIG_DIR", "FISO_METRICS_ADDR", "FISO_LOG_LEVEL",
                         "FISO_CACHE_DIR"):
                self.assertIn(word, text)

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in (["-no-such-flag"], ["--no-such-flag=1"], ["stray"], ["-config-dir"]):
            ended = run(FISO_FLOW, *arguments)
            self.assertEqual(ended.returncode, 2, arguments)
            self.assertTrue(ended.stderr.startswith(b"error: "), ended.stderr)
            self.assertIn(b"-help", ended.stderr)
            self.assertEqual(ended.stdout, b"")

    def test_values_are_taken_in_every_spelling(self):
        path = self.directory(orders=flow_yaml()).path
        for arguments in (["-config-dir", path], [f"-config-dir={path}"], ["--config-dir", path], [f"--config-dir={path}"]):
            ended = run(FISO_FLOW, *arguments, "-check")
            self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{path}: ok\n"), arguments)


class GuideLines(TestCase):
    """The run lines of the integration guide, as they stand there."""
    LINES = (
        ("./tmp/fiso-wasmer -config apps.yaml", "Error reading config: open apps.yaml: No such file or directory\n"),
        ("./tmp/fiso-flow-wasmer -config-dir /etc/fiso/flows",
         "error: load config: read config dir /etc/fiso/flows: No such file or directory\n"),
        ("./tmp/fiso-wasmer-link -config /etc/fiso/link/config.yaml",
         "error: load config: read config: open /etc/fiso/link/config.yaml: No such file or directory\n"),
    )

    def test_they_say_what_is_not_there(self):
        self.assertFalse(pathlib.Path("/etc/fiso").exists(), "these tests are for a machine without")
        place = self.directory().path
        (place / "tmp").symlink_to(pathlib.Path(FISO_FLOW).parent)
        for line, said in self.LINES:
            program, *arguments = line.split()
            if not (place / program).exists():
                self.assertIn("wasmer", program)  # a build without it
                continue
            ended = run(program, *arguments, cwd=place)
            logged = [json.loads(entry)["msg"] for entry in ended.stdout.decode().splitlines()]
            self.assertEqual(logged, ["starting fiso-wasmer-link"] if program.endswith("link") else [], line)
            self.assertEqual((ended.returncode, ended.stderr.decode()), (1, said), line)

    @unittest.skipUnless((SOURCE / "tmp/fiso-flow").exists(), "the release build puts it there")
    def test_the_flow_program_runs_where_they_run(self):
        directory = self.directory(orders=flow_yaml())
        flow = self.closing(Flow(directory, program="./tmp/fiso-flow", cwd=SOURCE)).wait_ready()
        self.assert_stops(flow)


class Environment(TestCase):
    def test_the_config_directory_comes_from_the_environment(self):
        path = self.directory(orders=flow_yaml()).path
        ended = run(FISO_FLOW, "-check", env=environment(FISO_CONFIG_DIR=path))
        self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{path}: ok\n"))

    def test_a_flag_wins_over_the_environment(self):
        path = self.directory(orders=flow_yaml()).path
        ended = run(FISO_FLOW, "-check", "-config-dir", path, env=environment(FISO_CONFIG_DIR="/nonexistent"))
        self.assertEqual(ended.returncode, 0)

    def test_an_empty_flag_leaves_it_to_the_environment(self):
        path = self.directory(orders=flow_yaml()).path
        for flags in (("-config-dir", ""), ("-config-dir=",), ("--config-dir=",)):
            ended = run(FISO_FLOW, "-check", *flags, env=environment(FISO_CONFIG_DIR=path))
            self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{path}: ok\n"), ended.stderr)
        ended = run(FISO, "validate", "", env=environment(FISO_CONFIG_DIR=path))
        self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{path}: ok\n"), ended.stderr)
        link = path / "link.yaml.link"
        link.write_text("targets: []\n")
        ended = run(FISO_LINK, "-check", "-config=", env=environment(FISO_LINK_CONFIG=link))
        self.assertIn(str(link), (ended.stdout + ended.stderr).decode())

    def test_the_documented_directory_is_the_default(self):
        ended = run(FISO_FLOW, "-check", env=environment(FISO_CONFIG_DIR=None))
        self.assertIn(b"/etc/fiso/flows", ended.stdout + ended.stderr)

    def test_the_admin_address_comes_from_the_environment(self):
        flow = self.start(self.directory(orders=flow_yaml()), FISO_METRICS_ADDR="localhost:0")
        self.assertEqual(flow.log("metrics server starting")[0]["addr"], "localhost:0")
        self.assertEqual(get(flow.admin_port, "/healthz").text, '{"status":"ok"}\n')

    def test_the_log_level_comes_from_the_environment_or_a_flag(self):
        directory = self.directory(orders=flow_yaml())
        for flags, env in (((), {"FISO_LOG_LEVEL": "WARNING"}), (("-log-level", " Warn "), {"FISO_LOG_LEVEL": "debug"}),
                           (("-log-level", ""), {"FISO_LOG_LEVEL": "warn"})):
            admin = self.closing(ReservedPort())
            flow = self.closing(Flow(directory, *flags, FISO_METRICS_ADDR=admin.address, **env))
            poll("ready", lambda: answers(admin.port, "/readyz"))
            self.assert_stops(flow)
            self.assertEqual(flow.log(), [])

    def test_an_unknown_log_level_is_info(self):
        flow = self.start(self.directory(orders=flow_yaml()), "-log-level", "loud")
        self.assertEqual({line["level"] for line in flow.log()}, {"INFO"})


class Checking(TestCase):
    def test_check_opens_no_port_and_compiles_into_the_cache(self):
        directory = self.directory(orders=flow_yaml(address="203.0.113.1:1", module=guest("enrich")))
        env = environment(FISO_METRICS_ADDR="203.0.113.1:2", FISO_CACHE_DIR=self.directory().path / "cache")
        for announced in (1, 0):
            ended = run(FISO_FLOW, "-config-dir", directory.path, "-check", env=env)
            self.assertEqual((ended.returncode, ended.stdout.decode()), (0, f"{directory.path}: ok\n"), ended.stderr)
            self.assertEqual(ended.stderr.count(b'"msg":"compiled wasm module"'), announced)

    def test_check_tells_what_only_compiling_finds_at_its_place(self):
        flows = {name: flow_yaml(name, path=f"/{name}", module=guest(name)) for name in ("garbage", "memory_declares_4gib", "no_start")}
        directory = self.directory(**flows)
        for ended in (run(FISO_FLOW, "-config-dir", directory.path, "-check"), run(FISO, "validate", directory.path)):
            self.assertEqual((ended.returncode, ended.stdout), (1, b""))
            for name in flows:
                self.assertIn(f"{directory.path}/{name}.yaml:10:15: interceptors[0].config.module: build pipeline {name}: wasm runtime for "
                              f"{guest(name)}: compile wasm module: ", ended.stderr.decode())

    def test_check_tells_an_admin_address_that_is_none(self):
        directory = self.directory(orders=flow_yaml())
        ended = run(FISO_FLOW, "-config-dir", directory.path, "-check", env=environment(FISO_METRICS_ADDR="nonsense"))
        self.assertEqual((ended.returncode, ended.stderr),
                         (1, b"error: listen nonsense: expected HOST:PORT or :PORT (FISO_METRICS_ADDR)\n"))

    def test_check_tells_a_flow_that_wants_the_admin_port(self):
        directory = self.directory(orders=flow_yaml(address="localhost:19090"))
        for admin in ("127.0.0.1:19090", ":19090", "localhost:19090"):
            ended = run(FISO_FLOW, "-config-dir", directory.path, "-check", env=environment(FISO_METRICS_ADDR=admin))
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr.decode(), r"orders\.yaml:\d+:\d+: source\.config\.listenAddr: http source: localhost:19090 takes "
                             f"the port of {admin}, which is the admin port")
        self.assertEqual(run(FISO, "validate", directory.path).returncode, 0)  # which does not know where it will run

    def test_check_tells_what_flows_want_of_each_other_and_which_modules_are_missing(self):
        directory = self.directory(a=flow_yaml("a"), b=flow_yaml("b", module="/nonexistent.wasm"))
        for ended in (run(FISO_FLOW, "-config-dir", directory.path, "-check"), run(FISO, "validate", directory.path)):
            self.assertEqual(ended.returncode, 1)
            said = ended.stderr.decode()
            self.assertIn("load config: 2 problems\n", said)
            self.assertRegex(said, r'b\.yaml:\d+:\d+: source\.config\.path: .*path "/orders" already registered')
            self.assertRegex(said, r"b\.yaml:\d+:\d+: interceptors\[0\]\.config\.module: module path not accessible: /nonexistent\.wasm")

    def test_check_reads_the_settings_too(self):
        directory = self.directory(orders=flow_yaml(address=ANY_PORT))
        directory.write("fiso.yaml", "shards: many\n")
        ended = run(FISO_FLOW, "-config-dir", directory.path, "-check")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"fiso.yaml:1:9: shards: ", ended.stderr)


if __name__ == "__main__":
    main()
