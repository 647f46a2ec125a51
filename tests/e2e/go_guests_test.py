#!/usr/bin/env python3
"""Guests written in Go (GOOS=wasip1), fresh and pooled."""
import unittest

from harness import TestCase, guest, http_sink, main, missing_guests, poll, post

ORDER = {"order_id": "12345", "amount": 99.99}


@unittest.skipIf(missing_guests("enrich_go", "enrich_stdin_file_go", "ndjson_go"), "built without Go guests")
class GoGuests(TestCase):
    def serve_go(self, name, interceptor=""):
        self.events = self.sink()
        return self.serve(module=guest(name), interceptor=interceptor, sink=http_sink(self.events.url))

    def test_a_fresh_one_enriches_an_event(self):
        for name in ("enrich_go", "enrich_stdin_file_go"):
            flow = self.serve_go(name)
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
            self.assertEqual(self.events.events()[0]["data"], {**ORDER, "wasm_enriched": True})

    def test_a_pooled_one_enriches_events(self):
        flow = self.serve_go("enrich_go", "      execution: pooled\n      poolSize: 2\n")
        poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
        for _ in range(10):
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual([event["data"] for event in self.events.events()], [{**ORDER, "wasm_enriched": True}] * 10)

    def test_a_pooled_one_that_loops_serves_several_events(self):
        flow = self.serve_go("ndjson_go", "      execution: pooled\n      poolSize: 2\n      maxRequests: 100\n")
        poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
        for _ in range(20):
            self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assertGreater(max(event["data"]["served"] for event in self.events.events()), 1)


if __name__ == "__main__":
    main()
