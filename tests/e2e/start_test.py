#!/usr/bin/env python3
"""Starting with something wrong: every error is told at once, with its place, and nothing has been opened before."""
import os
import re

from harness import (ANY_PORT, FISO_FLOW, Flow, ReservedPort, TestCase, environment, flow_yaml, get, guest, http_sink, main, post, run)

BAD_FLOW = """\
source:
  type: htp
  config:
    listenAdr: ":8081"
interceptors:
  - type: wasm
    config:
      runtime: v8
      timout: 3s
      memoryLimit: 1
sink:
  type: http
  config:
    method: GET IT
errorHandling:
  maxRetries: -1
  backoff: never
transform:
  fields: {}
"""

BAD_FLOW_ERRORS = """\
{file}:1:1: name: name is required
{file}:2:9: source.type: source.type "htp" is not valid (must be one of: http) (did you mean "http"?)
{file}:8:7: interceptors[0].config.module: interceptors[0].config.module is required for wasm interceptor
{file}:8:16: interceptors[0].config.runtime: interceptors[0].config.runtime must be 'wazero' or 'wasmer', got "v8"
{file}:9:7: interceptors[0].config.timout: unknown key "timout" (did you mean "timeout"?)
{file}:10:20: interceptors[0].config.memoryLimit: interceptors[0].config.memoryLimit must be between 64KiB and 4GiB, got 1
{file}:14:5: sink.config.url: http sink: url is required
{file}:14:13: sink.config.method: sink.config.method "GET IT" is not a method that carries an event (use POST, PUT, PATCH or DELETE)
{file}:16:15: errorHandling.maxRetries: errorHandling.maxRetries must be >= 0, got -1
{file}:17:12: errorHandling.backoff: errorHandling.backoff "never" is not valid (must be one of: constant, linear, exponential)
{file}:18:1: transform: CEL transforms are not built yet; use a wasm interceptor
"""


class StartCase(TestCase):
    def refused(self, directory, **env):
        """What it says on stderr when it does not start; its log stays empty."""
        path = getattr(directory, "path", directory)
        ended = run(FISO_FLOW, "-config-dir", path, "-log-level", "error", env=environment(**env))
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertEqual(ended.stdout, b"")
        return ended.stderr.decode()


class Directories(StartCase):
    def test_a_missing_directory_is_named(self):
        self.assertEqual(self.refused("/nonexistent/flows"),
                         "error: load config: read config dir /nonexistent/flows: No such file or directory\n")

    def test_an_empty_directory_is_named(self):
        directory = self.directory()
        directory.write("notes.txt", "not a flow")
        directory.write("fiso.yaml", "shards: 1")
        self.assertEqual(self.refused(directory), f"error: load config: no flow definitions found in {directory.path}\n")

    def test_a_file_is_no_directory(self):
        directory = self.directory(orders=flow_yaml())
        self.assertIn("read config dir", self.refused(directory.path / "orders.yaml"))

    def test_directories_in_it_are_not_read(self):
        directory = self.directory(orders=flow_yaml())
        (directory.path / "more.yaml").mkdir()
        self.assert_stops(self.start(directory))


class Configuration(StartCase):
    def test_all_errors_are_told_with_their_places_and_nothing_is_opened(self):
        directory = self.directory(orders=BAD_FLOW)
        taken = self.closing(ReservedPort())
        taken.listen()  # opening the admin port would be an error of its own
        said = self.refused(directory, FISO_METRICS_ADDR=taken.address)
        self.assertEqual(said, "error: load config: 11 problems\n" + BAD_FLOW_ERRORS.format(file=directory.path / "orders.yaml"))

    def test_errors_of_several_files_are_told_together(self):
        directory = self.directory(a=flow_yaml("same"), b=flow_yaml("same", path="/b"), c="name: [")
        directory.write("fiso.yaml", "shards: -1")
        said = self.refused(directory)
        self.assertIn("load config: 3 problems", said)
        self.assertIn("b.yaml:1:7: name: another flow is named \"same\" already", said)
        self.assertIn("c.yaml:", said)
        self.assertIn("fiso.yaml:1:9: shards: shards must be between 0 and 256, got -1", said)

    def test_what_is_not_built_yet_is_refused_in_words(self):
        for source, sink, key in (("kafka", "discard", "source.type"), ("grpc", "discard", "source.type"), ("http", "kafka", "sink.type"),
                                  ("http", "grpc", "sink.type"), ("http", "temporal", "sink.type")):
            text = f'name: x\nsource: {{type: {source}, config: {{listenAddr: "{ANY_PORT}"}}}}\nsink: {{type: {sink}, config: {{}}}}\n'
            word = source if key == "source.type" else sink
            self.assertIn(f'{key} "{word}" is not built yet', self.refused(self.directory(x=text)))
        for key in ("deadLetterTopic: x", "transactionalId: x", "commitPolicy: sink_or_dlq", "commitPolicy: kafka_transaction"):
            said = self.refused(self.directory(x=flow_yaml(more=f"errorHandling:\n  {key}\n")))
            self.assertIn("load config: 1 problem\n", said)
        self.assertIn("expressions are not built yet", self.refused(self.directory(x=flow_yaml(more="cloudevents:\n  type: data.kind\n"))))

    def test_a_secret_is_never_quoted(self):
        for value in ("{fromEnv: FISO_E2E_NO_SUCH}", "{fromFile: /nonexistent/token}", "[hush-hush]", '"hush-hush\\nhush-hush"'):
            more = f"    headers:\n      Authorization: {value}\n"
            said = self.refused(self.directory(x=flow_yaml(sink=http_sink("http://127.0.0.1:1/", more))))
            self.assertIn("sink.config.headers", said)
            self.assertNotIn("hush-hush", said)

    def test_two_flows_cannot_have_the_same_path(self):
        said = self.refused(self.directory(a=flow_yaml("a"), b=flow_yaml("b")))
        self.assertIn("error: load config: 1 problem\n", said)
        self.assertRegex(said, rf'b\.yaml:\d+:\d+: source\.config\.path: http source: pre-register: path "/orders" already registered on {ANY_PORT}\n')


class Ports(StartCase):
    def test_a_port_in_use_is_named(self):
        taken = self.closing(ReservedPort())
        taken.listen()
        said = self.refused(self.directory(orders=flow_yaml(address=taken.address)))
        self.assertEqual(said, f"error: listen {taken.address}: address already in use\n")

    def test_an_admin_port_in_use_is_named(self):
        taken = self.closing(ReservedPort())
        taken.listen()
        said = self.refused(self.directory(orders=flow_yaml()), FISO_METRICS_ADDR=taken.address)
        self.assertEqual(said, f"error: listen {taken.address}: address already in use\n")

    def test_an_address_that_is_none_is_named(self):
        for address in ("nonsense", "127.0.0.1:99999", "127.0.0.1"):
            self.assertIn(f"source.config.listenAddr \"{address}\" is not an address", self.refused(self.directory(orders=flow_yaml(address=address))))


class Modules(StartCase):
    def refused_module(self, path):
        return self.refused(self.directory(orders=flow_yaml(module=path)))

    def test_a_module_that_cannot_be_opened(self):
        self.assertIn("module path not accessible: /nonexistent/app.wasm", self.refused_module("/nonexistent/app.wasm"))
        self.assertIn("module path not accessible: /tmp (it is a directory)", self.refused_module("/tmp"))
        self.assertIn("module path not accessible: /dev/null (it is not a regular file)", self.refused_module("/dev/null"))

    def test_a_fifo_does_not_hold_it_up(self):
        path = self.directory().path / "fifo.wasm"
        os.mkfifo(path)
        self.assertIn(f"module path not accessible: {path}", self.refused_module(path))

    def test_a_file_that_is_no_module(self):
        for name, why in (("text", "it is not a WebAssembly binary"), ("empty", "it is not a WebAssembly binary"),
                          ("component", "it is a WebAssembly component"), ("garbage", "malformed section id"), ("truncated", "unexpected end"),
                          ("no_start", "it exports no function _start"), ("imports_unknown", "unknown import")):
            said = self.refused_module(guest(name))
            self.assertRegex(said, rf"module {re.escape(guest(name))} cannot be used: .*{why}")

    def test_a_module_that_needs_more_than_its_limit(self):
        self.assertIn("the module needs 4GiB of memory, memoryLimit is 256MiB", self.refused_module(guest("memory_declares_4gib")))

    def test_all_flows_that_cannot_be_built_are_told(self):
        said = self.refused(self.directory(a=flow_yaml("a", module="/nonexistent/a.wasm"), b=flow_yaml("b", path="/b", module="/nonexistent/b.wasm")))
        self.assertRegex(said, r"a\.yaml:\d+:\d+: interceptors\[0\]\.config\.module: module path not accessible: /nonexistent/a\.wasm")
        self.assertRegex(said, r"b\.yaml:\d+:\d+: interceptors\[0\]\.config\.module: module path not accessible: /nonexistent/b\.wasm")


class Readiness(TestCase):
    def test_it_is_alive_before_and_ready_after_its_modules_are_compiled(self):
        # What is started ahead is waited for: it is not ready meanwhile. Whoever comes too late to see that tries again.
        pooled = "      execution: pooled\n      args: ['2000']\n"
        directory = self.directory(orders=flow_yaml(module=guest("slow_start"), interceptor=pooled))
        for _ in range(20):
            flow = self.closing(Flow(directory))
            flow.wait_log("starting flows")
            self.assertEqual(get(flow.admin_port, "/healthz").status, 200)
            early = get(flow.admin_port, "/readyz")
            flow.wait_ready()
            if early.status != 200:
                break
        self.assertEqual((early.status, early.json()["status"]), (503, "not ready"))
        self.assertEqual(get(flow.admin_port, "/readyz").text, '{"status":"ready"}\n')
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)

    def test_admin_pages_refuse_what_they_are_not_for(self):
        flow = self.serve()
        self.assertEqual(post(flow.admin_port, "/healthz", "").status, 405)
        self.assertEqual(post(flow.admin_port, "/metrics", "").headers["allow"], "GET, HEAD")
        self.assertEqual(get(flow.admin_port, "/nothing").status, 404)


if __name__ == "__main__":
    main()
