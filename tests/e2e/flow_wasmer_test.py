#!/usr/bin/env python3
"""fiso-flow-wasmer: the same flows, the same guests, in worker processes."""
import signal

from harness import FISO_FLOW_WASMER, Directory, Flow, TestCase, descendants, flow_yaml, guest, http_sink, main, missing_guests, poll, post

ORDER = {"order_id": "ORD-12345", "amount": 199.99}
RUNTIME = "      runtime: wasmer\n"


class FlowWasmer(TestCase):
    def serve_wasmer(self, name, interceptor="", **env):
        self.events = self.sink()
        text = flow_yaml(module=guest(name), interceptor=RUNTIME + interceptor, sink=http_sink(self.events.url))
        directory = self.directory(orders=text)
        return self.closing(Flow(directory, program=FISO_FLOW_WASMER, **env)).wait_ready()

    def test_every_key_of_the_documented_sample_is_taken(self):
        data = self.closing(Directory())
        flow = self.serve_wasmer("enrich", "      timeout: 30s\n      memoryLimit: 268435456\n      env:\n        LOG_LEVEL: debug\n"
                                           f"      preopens:\n        /data: {data.path}\n")
        self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual(self.events.events()[0]["data"], {**ORDER, "wasm_enriched": True})
        self.assertEqual(self.events.received[0][1]["x-wasm-enriched"], "true")

    def test_migration_is_one_line_and_the_module_stays(self):
        for name in ("enrich", "enrich_stdin_file"):
            flow = self.serve_wasmer(name)
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
            self.assertEqual(self.events.events()[0]["data"], {**ORDER, "wasm_enriched": True})
            self.assert_stops(flow)

    def test_a_go_guest_works_unchanged(self):
        if missing_guests("enrich_go"):
            self.skipTest("built without Go guests")
        flow = self.serve_wasmer("enrich_go")
        self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual(self.events.events()[0]["data"], {**ORDER, "wasm_enriched": True})

    def test_pooled_guests_stand_ready_and_serve_one_event_each(self):
        flow = self.serve_wasmer("ndjson", "      execution: pooled\n      poolSize: 2\n")
        for _ in range(6):
            poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
            self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assertEqual({event["data"]["served"] for event in self.events.events()}, {1})

    def test_a_pooled_guest_that_loops_serves_several_events(self):
        flow = self.serve_wasmer("ndjson", "      execution: pooled\n      poolSize: 1\n      maxRequests: 100\n")
        poll("an instance is parked", lambda: flow.metric("fiso_wasm_parked_instances") == 1)
        for _ in range(20):
            self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assertGreater(max(event["data"]["served"] for event in self.events.events()), 1)

    def test_a_timeout_stops_the_guest(self):
        flow = self.serve_wasmer("loop", "      timeout: 200ms\n")
        answer = post(flow.port(), "/orders", ORDER)
        self.assertEqual((answer.status, answer.text), (500, "INTERCEPTOR_FAILED: wasm execution timeout after 200ms\n"))
        # One process is the fork server; the guest's own is gone.
        poll("the guest is gone", lambda: len(descendants(flow.process.pid)) == 1)

    def test_a_trap_is_told_as_by_the_other_engine(self):
        flow = self.serve_wasmer("trap_unreachable")
        self.assertEqual(post(flow.port(), "/orders", ORDER).text, "INTERCEPTOR_FAILED: wasm trap: unreachable\n")

    def test_a_fork_server_that_dies_is_replaced(self):
        flow = self.serve_wasmer("enrich")
        port = flow.port()
        self.assertEqual(post(port, "/orders", ORDER).status, 200)
        for pid in descendants(flow.process.pid):
            self.kill(pid)
        poll("events pass again", lambda: post(port, "/orders", ORDER).status == 200)
        self.assertTrue(flow.log("worker process died, starting another"))

    def test_no_worker_outlives_a_flow_that_is_killed(self):
        flow = self.serve_wasmer("enrich", "      execution: pooled\n      poolSize: 2\n")
        poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
        workers = descendants(flow.process.pid)
        self.assertEqual(len(workers), 3)
        flow.signal(signal.SIGKILL)
        flow.wait()
        poll("they are gone", lambda: not any(self.lives(pid) for pid in workers))

    def test_a_stop_leaves_no_worker(self):
        flow = self.serve_wasmer("enrich", "      execution: pooled\n      poolSize: 2\n")
        workers = descendants(flow.process.pid)
        self.assert_stops(flow)
        poll("they are gone", lambda: not any(self.lives(pid) for pid in workers))

    @staticmethod
    def kill(pid):
        import os
        os.kill(pid, signal.SIGKILL)

    @staticmethod
    def lives(pid):
        import pathlib
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


if __name__ == "__main__":
    main()
