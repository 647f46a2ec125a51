#!/usr/bin/env python3
"""Guests in a flow: every way one can end, the limits on it, and what it gets."""
import json
import threading

from harness import TestCase, flow_yaml, guest, http_sink, main, poll, post, request

LIMITS = "      timeout: 300ms\n      memoryLimit: 16MiB\n      maxOutput: 1MiB\n"


class Outcomes(TestCase):
    def answer_of(self, name, payload="{}", more=""):
        flow = self.serve(module=guest(name), interceptor=LIMITS, more=more)
        answer = post(flow.port(), "/orders", payload)
        return answer, flow

    def assert_fails(self, name, text, kind):
        answer, flow = self.answer_of(name)
        self.assertEqual((answer.status, answer.text), (500, f"INTERCEPTOR_FAILED: {text}\n"), name)
        self.assertEqual(flow.metric("fiso_wasm_errors_total", kind=kind), 1, name)
        self.assertEqual(flow.books(), (1, 0, 1, 0))
        line, = flow.wait_log("event processing failed")
        self.assertIn(f"interceptor 0: wasm module {guest(name)}: ", line["error"])

    def test_each_failure_has_its_text_and_its_kind(self):
        for name, text, kind in (
                ("exit_1", "module closed with exit_code(1)", "exit"),
                ("exit_255", "module closed with exit_code(255)", "exit"),
                ("partial_then_exit", "module closed with exit_code(1)", "exit"),
                ("trap_unreachable", "wasm trap: unreachable", "trap"),
                ("trap_oob", "wasm trap: out of bounds memory access", "trap"),
                ("recurse", "wasm trap: call stack exhausted", "trap"),
                ("loop", "wasm execution timeout after 300ms", "timeout"),
                ("loop_start", "wasm execution timeout after 300ms", "timeout"),
                ("memory_bomb", "wasm memory limit of 16MiB reached", "memory"),
                ("stdout_gib", "wasm output is larger than 1MiB", "output"),
                ("exit_0", "wasm unmarshal output: unexpected end of JSON input", "no_output"),
                ("empty_output", "wasm unmarshal output: unexpected end of JSON input", "no_output"),
                ("output_not_object", "wasm unmarshal output: the output is not a JSON object", "not_json")):
            with self.subTest(name):
                self.assert_fails(name, text, kind)

    def test_precise_statuses_of_guests(self):
        for name, status in (("exit_1", 502), ("loop", 504), ("trap_unreachable", 502), ("stdout_gib", 502),
                             ("output_not_object", 502)):
            answer, _ = self.answer_of(name, more="errorHandling:\n  statusMode: precise\n")
            self.assertEqual(answer.status, status, name)

    def test_with_failOpen_the_event_passes_unchanged(self):
        sink = self.sink()
        flow = self.serve(module=guest("trap_unreachable"), interceptor="      failOpen: true\n", sink=http_sink(sink.url))
        self.assertEqual(post(flow.port(), "/orders", {"a": 1}).status, 200)
        self.assertEqual(sink.events()[0]["data"], {"a": 1})
        self.assertEqual(len(flow.wait_log("wasm interceptor failed, the event passes unchanged")), 1)

    def test_the_process_goes_on_after_a_failure(self):
        flow = self.start(self.directory(bad=flow_yaml("bad", path="/bad", module=guest("trap_oob")),
                                         good=flow_yaml("good", path="/good", module=guest("passthrough"))))
        for _ in range(20):
            self.assertEqual(post(flow.port(), "/bad", {}).status, 500)
            self.assertEqual(post(flow.port(), "/good", {}).status, 200)
        poll("no instance is left", lambda: flow.metric("fiso_wasm_instances") == 0)


class Sharing(TestCase):
    def test_a_slow_guest_does_not_hold_up_others_of_its_shard(self):
        directory = self.directory(slow=flow_yaml("slow", path="/slow", module=guest("loop"), interceptor="      timeout: 1h\n"),
                                   quick=flow_yaml("quick", path="/quick", module=guest("passthrough")))
        directory.write("fiso.yaml", "shards: 1\nshutdownTimeout: 1ms\n")
        flow = self.start(directory)
        threading.Thread(target=self.call_and_forget, args=(flow.port(), "/slow"), daemon=True).start()
        poll("the slow one is running", lambda: flow.books("slow")[3] == 1)
        for _ in range(50):
            self.assertEqual(post(flow.port(), "/quick", {}).status, 200)
        self.assertEqual((flow.books("slow")[3], flow.books("quick")[1]), (1, 50))
        self.assertEqual(flow.stop(), 1)

    @staticmethod
    def call_and_forget(port, path):
        try:
            post(port, path, {})
        except OSError:
            pass

    def test_events_wait_for_an_instance_and_are_503_when_too_many_wait(self):
        directory = self.directory(slow=flow_yaml("slow", path="/slow", module=guest("loop"), interceptor="      timeout: 1h\n"),
                                   quick=flow_yaml("quick", path="/quick", module=guest("passthrough")))
        directory.write("fiso.yaml", "shutdownTimeout: 1ms\nwasm:\n  maxInstances: 1\n  instanceQueue: 0\n")
        flow = self.start(directory)
        threading.Thread(target=self.call_and_forget, args=(flow.port(), "/slow"), daemon=True).start()
        poll("the slow one is running", lambda: flow.books("slow")[3] == 1)
        answer = post(flow.port(), "/quick", {})
        self.assertEqual((answer.status, answer.text, answer.headers["retry-after"]),
                         (503, "INTERCEPTOR_FAILED: no wasm instance is free\n", "1"))
        self.assertEqual(flow.stop(), 1)


class Inputs(TestCase):
    def delivered(self, name, payload="{}", interceptor="", headers=None, **env):
        sink = self.sink()
        flow = self.start(self.directory(orders=flow_yaml(module=guest(name), interceptor=interceptor, sink=http_sink(sink.url))), **env)
        answer = request(flow.port(), "POST", "/orders", payload, headers or {})
        self.assertEqual(answer.status, 200, answer.text)
        return sink, flow

    def test_arguments_and_environment_are_the_configured_ones_and_no_others(self):
        interceptor = "      args: [--level, 3]\n      env:\n        LOG_LEVEL: debug\n        TOKEN: {fromEnv: E2E_TOKEN}\n"
        sink, _ = self.delivered("env_args", interceptor=interceptor, E2E_TOKEN="t", E2E_OTHER="x")
        self.assertEqual(sink.events()[0]["data"], {"args": ["env_args.wasm", "--level", "3"], "env": {"LOG_LEVEL": "debug", "TOKEN": "t"}})

    def test_the_input_comes_as_a_file_where_the_guest_asks_for_it(self):
        for mode in ("auto", "stdin-file"):
            sink, _ = self.delivered("enrich_stdin_file", '{"a":1}', f"      input: {mode}\n")
            self.assertEqual(sink.events()[0]["data"], {"wasm_enriched": True, "a": 1})

    def test_only_headers_that_are_fit_to_travel_reach_the_sink(self):
        sink, flow = self.delivered("headers", headers={"X-Change": "before", "X-Keep": "kept"})
        headers = sink.received[0][1]
        self.assertIn("x-wasm-added", headers)
        self.assertNotEqual(headers["x-change"], "before")
        self.assertNotIn("x-keep", headers)
        for name in ("upgrade", "keep-alive", "fiso-x", "x-split", "bad name"):
            self.assertNotIn(name, headers)
        self.assertEqual(headers["content-type"], "application/cloudevents+json")
        self.assertGreaterEqual(flow.metric("fiso_wasm_dropped_headers_total"), 9)
        told = flow.wait_log("wasm headers are not sent on")[0]
        self.assertEqual(told["count"], len(told["headers"].split(", ")))
        for name in ("Upgrade", "Keep-Alive", "Fiso-X", "X-Split", "Bad Name"):
            self.assertIn(name, told["headers"].split(", "))

    def test_stderr_goes_to_the_log(self):
        _, flow = self.delivered("stderr_lines", '{"lines": 3}', headers={"X-Request-Id": "r-1"})
        lines = flow.wait_log("wasm stderr", 3)
        self.assertEqual({(line["flow"], line["correlation_id"]) for line in lines}, {("orders", "r-1")})

    def test_preopened_directories_hold_files(self):
        folder = self.directory().path
        (folder / "greeting.txt").write_text("hello")
        for suffix, errno in ((":ro", 69), ("", 0)):  # 69: EROFS
            interceptor = f"      preopens:\n        /data: {folder}{suffix}\n"
            sink, _ = self.delivered("files", '{"op": "read", "path": "/data/greeting.txt"}', interceptor)
            self.assertEqual(sink.events()[0]["data"], {"ok": True, "errno": 0, "text": "hello"})
            sink, _ = self.delivered("files", '{"op": "write", "path": "/data/new.txt", "text": "x"}', interceptor)
            self.assertEqual(sink.events()[0]["data"]["ok"], errno == 0, sink.events())

    def test_nothing_of_one_event_is_visible_to_the_next(self):
        sink = self.sink()
        flow = self.serve(module=guest("secret"), sink=http_sink(sink.url))
        for payload in ({"plant": "xyzzy-plugh"}, {"look": "xyzzy-plugh"}) * 10:
            self.assertEqual(post(flow.port(), "/orders", payload).status, 200)
        self.assertEqual({event["data"].get("found", 0) for event in sink.events()}, {0})


class Pooled(TestCase):
    def serve_pooled(self, name, more=""):
        self.events = self.sink()
        flow = self.serve(module=guest(name), interceptor=f"      execution: pooled\n      poolSize: 2\n{more}", sink=http_sink(self.events.url))
        poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
        return flow

    def test_each_event_gets_an_instance_that_was_started_ahead(self):
        flow = self.serve_pooled("enrich")
        for _ in range(10):
            self.assertEqual(post(flow.port(), "/orders", {"a": 1}).status, 200)
        self.assertEqual({json.dumps(event["data"]) for event in self.events.events()}, {'{"wasm_enriched": true, "a": 1}'})
        poll("and is replaced", lambda: flow.metric("fiso_wasm_parked_instances") == 2)

    def test_a_guest_that_loops_over_lines_serves_several_events(self):
        flow = self.serve_pooled("ndjson", "      maxRequests: 5\n")
        for _ in range(20):
            self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        served = [event["data"]["served"] for event in self.events.events()]
        self.assertGreater(max(served), 1)
        self.assertLessEqual(max(served), 5)

    def test_a_stop_does_not_wait_for_parked_instances(self):
        self.assert_stops(self.serve_pooled("enrich"))


if __name__ == "__main__":
    main()
