#!/usr/bin/env python3
"""Flows whose interceptor is an app of its own: `type: wasmer-app` in fiso-flow-wasmer."""
import subprocess

from harness import (FISO_FLOW, FISO_FLOW_WASMER, PATIENCE, Flow, TestCase, descendants, environment, guest, http_sink, main, poll, post)


class Flows(TestCase):
    def flow_text(self, config, module):
        return ("name: orders\nsource: {type: http, config: {listenAddr: '127.0.0.1:0', path: /orders}}\n"
                f"interceptors: [{{type: wasmer-app, config: {{module: {guest(module)}{config}}}}}]\nsink:\n{http_sink(self.events.url)}")

    def start(self, config, module):
        self.events = self.sink()
        self.files = self.directory(orders=self.flow_text(config, module))
        return self.closing(Flow(self.files, program=FISO_FLOW_WASMER)).wait_ready()

    def test_each_execution_serves(self):
        for config in ("", ", execution: pooled, poolSize: 2", ", runtime: wazero", ", execution: longRunning"):
            flow = self.start(config, "enrich")
            self.assertEqual(post(flow.port(), "/orders", {"a": 1}).status, 200, config)
            self.assertEqual(self.events.events()[0]["data"], {"a": 1, "wasm_enriched": True}, config)
            self.assertEqual(self.events.received[0][1]["x-wasm-enriched"], "true")
            self.assertEqual(flow.stop(), 0)
            self.assertEqual(descendants(flow.process.pid), set())

    def test_one_that_listens_lives_as_long_as_its_flow(self):
        config = ", execution: longRunning, healthCheck: /health"
        flow = self.start(config, "process_server")
        for count in (1, 2):
            self.assertEqual(post(flow.port(), "/orders", {"a": count}).status, 200)
            self.assertEqual(self.events.events()[-1]["data"], {"count": count, "direction": None, "payload": {"a": count}})
        self.assertEqual(self.events.received[0][1]["x-processed"], "yes")
        before = descendants(flow.process.pid)
        self.assertEqual(len(before), 1)
        self.files.write("orders.yaml", self.flow_text(config + ", timeout: 5s", "process_server"))
        poll("the change is in force", lambda: flow.reload_state()["generation"] == 2)
        self.assertEqual(post(flow.port(), "/orders", {"a": 1}).status, 200)
        self.assertEqual(self.events.events()[-1]["data"]["count"], 1)
        poll("the app of the old flow has ended", lambda: len(descendants(flow.process.pid)) == 1)
        self.assertNotEqual(descendants(flow.process.pid), before)
        self.assertEqual(flow.stop(), 0)

    def test_an_answer_that_is_an_error_rejects_the_event(self):
        flow = self.start(", execution: longRunning, healthCheck: /health", "process_server")
        answer = post(flow.port(), "/orders", '"refuse"')
        self.assertEqual((answer.status, self.events.received), (500, []))
        self.assertTrue(answer.text.endswith("app returned error: 422 Unprocessable Content\n"), answer.text)
        self.assertNotIn("not that", answer.text)

    def data_for(self, module, config, payload=None):
        """What an event has become, for an app that serves per event and for one that was started ahead."""
        became = []
        for mode in ("", ", execution: pooled"):
            flow = self.start(config + mode, module)
            answer = post(flow.port(), "/orders", payload)
            became.append(self.events.events()[0]["data"] if answer.status == 200 else f"{answer.status} {answer.text}")
            flow.stop()
        self.assertEqual(became[0], became[1])
        return became[0]

    def test_arguments_environment_and_input_are_the_guests(self):
        config = ", input: stdin, args: ['--level', '3'], env: {LOG_LEVEL: debug}"
        self.assertEqual(self.data_for("env_args", config), {"args": ["env_args.wasm", "--level", "3"], "env": {"LOG_LEVEL": "debug"}})
        self.assertEqual(self.data_for("env_args", ", input: stdin-file")["args"][1], "--stdin-file")

    def test_limits_hold(self):
        self.assertIn("wasm execution timeout after 300ms", self.data_for("sleeper", ", timeout: 300ms", {"ms": 60_000}))
        for mode in ("", ", execution: pooled", ", execution: longRunning"):
            self.events = self.sink()
            files = self.directory(orders=self.flow_text(", memoryMB: 1" + mode, "enrich_go"))
            done = subprocess.run([FISO_FLOW_WASMER, "-config-dir", str(files.path)], env=environment(), capture_output=True, text=True,
                                  check=False, timeout=PATIENCE)
            self.assertEqual(done.returncode, 1)
            self.assertIn("the module needs 2688KiB of memory, memoryMB is 1", done.stderr, mode)

    def test_directories_are_those_that_were_opened_for_it(self):
        folder = self.directory().path
        (folder / "greeting.txt").write_text("hello")
        asked = {"op": "read", "path": "/data/greeting.txt"}
        self.assertEqual(self.data_for("files", f", preopens: {{/data: '{folder}:ro'}}", asked), {"ok": True, "errno": 0, "text": "hello"})
        self.assertFalse(self.data_for("files", "", asked)["ok"])

    def test_a_guest_that_loops_serves_as_many_events_as_it_may(self):
        flow = self.start(", execution: pooled, maxRequests: 2, poolSize: 1", "ndjson")
        for _ in range(4):
            self.assertEqual(post(flow.port(), "/orders", {"a": 1}).status, 200)
        self.assertEqual(flow.stop(), 0)

    def test_what_cannot_be_used_is_told(self):
        self.events = self.sink()
        for program, config, why in ((FISO_FLOW, "module: m", 'runtime "wasmer" is not in this program: use fiso-flow-wasmer'),
                                     (FISO_FLOW_WASMER, "app: processor", "this program runs no apps by name"),
                                     (FISO_FLOW_WASMER, f"module: {guest('enrich')}, phase: inbound", "a phase is for targets of fiso-link"),
                                     (FISO_FLOW_WASMER, f"module: {guest('enrich')}, execution: sometimes", "invalid execution mode: sometimes")):
            files = self.directory(orders=self.flow_text("", "enrich").replace(f"module: {guest('enrich')}", config))
            done = subprocess.run([program, "-config-dir", str(files.path), "-check"], env=environment(), capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    main()
