#!/usr/bin/env python3
"""The command line of fiso-flow: flags, environment, exit codes, and the lines of the integration guide."""
import unittest

from harness import (ANY_PORT, FISO, FISO_FLOW, SOURCE, Flow, ReservedPort, TestCase, answers, environment, flow_yaml, get, guest, main,
                     poll, run)


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
    @unittest.skipUnless((SOURCE / "tmp/fiso-flow").exists(), "the release build puts it there")
    def test_the_guides_run_line_runs(self):
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

    def test_the_documented_directory_is_the_default(self):
        ended = run(FISO_FLOW, "-check", env=environment(FISO_CONFIG_DIR=None))
        self.assertIn(b"/etc/fiso/flows", ended.stdout + ended.stderr)

    def test_the_admin_address_comes_from_the_environment(self):
        flow = self.start(self.directory(orders=flow_yaml()), FISO_METRICS_ADDR="localhost:0")
        self.assertEqual(flow.log("metrics server starting")[0]["addr"], "localhost:0")
        self.assertEqual(get(flow.admin_port, "/healthz").text, '{"status":"ok"}\n')

    def test_the_log_level_comes_from_the_environment_or_a_flag(self):
        directory = self.directory(orders=flow_yaml())
        for flags, env in (((), {"FISO_LOG_LEVEL": "WARNING"}), (("-log-level", " Warn "), {"FISO_LOG_LEVEL": "debug"})):
            admin = self.closing(ReservedPort())
            flow = self.closing(Flow(directory, *flags, FISO_METRICS_ADDR=admin.address, **env))
            poll("ready", lambda: answers(admin.port, "/readyz"))
            self.assert_stops(flow)
            self.assertEqual(flow.log(), [])

    def test_an_unknown_log_level_is_info(self):
        flow = self.start(self.directory(orders=flow_yaml()), "-log-level", "loud")
        self.assertEqual({line["level"] for line in flow.log()}, {"INFO"})


class Checking(TestCase):
    def test_check_opens_no_port_and_compiles_nothing(self):
        directory = self.directory(orders=flow_yaml(address="203.0.113.1:1", module=guest("no_start")))
        ended = run(FISO_FLOW, "-config-dir", directory.path, "-check", env=environment(FISO_METRICS_ADDR="203.0.113.1:2"))
        self.assertEqual(ended.returncode, 0, ended.stderr)

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
