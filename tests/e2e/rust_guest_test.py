#!/usr/bin/env python3
"""A guest written in Rust, on both engines and in both modes. Skipped where the toolchain cannot build it: see tools/setup.sh."""
import unittest

from harness import FISO_FLOW_WASMER, Flow, TestCase, flow_yaml, guest, http_sink, main, missing_guests, post


@unittest.skipIf(missing_guests("enrich_rust"), "no standard library for wasm32-wasip1: rustup target add wasm32-wasip1")
class RustGuest(TestCase):
    def test_it_enriches_on_both_engines_and_in_both_modes(self):
        sink = self.sink()
        for runtime in ("wazero", "wasmer"):
            for execution in ("perRequest", "pooled"):
                how = f"      runtime: {runtime}\n      execution: {execution}\n"
                directory = self.directory(orders=flow_yaml(module=guest("enrich_rust"), interceptor=how, sink=http_sink(sink.url)))
                flow = self.closing(Flow(directory, program=FISO_FLOW_WASMER)).wait_ready()
                for payload in ({}, {"text": "}\", {[,", "n": [1, {"headers": None}]}, {"grün": "\u2028"}):
                    self.assertEqual(post(flow.port(), "/orders", payload).status, 200)
                    self.assertEqual(sink.events()[-1]["data"], {"wasm_enriched": True, **payload})
                    self.assertEqual(sink.received[-1][1]["x-wasm-enriched"], "true")
                self.assert_stops(flow)


if __name__ == "__main__":
    main()
