#!/usr/bin/env python3
"""Whoever asks may leave: guests that work for nobody any more are stopped, and time that is over is over for all that a call needs."""
import os
import socket
import unittest

from harness import (FISO_FLOW, FISO_FLOW_WASMER, FISO_WASMER, Flow, get, guest, http_sink, main, poll, post, request)
from link_harness import FISO_LINK, FISO_WASMER_LINK, QUICK, Link, LinkCase

WITH_WASMER = "FISO_WASMER" in os.environ or os.path.exists(FISO_WASMER)
# An hour is never over here: whatever stops the guest, it is not its time.
FOREVER = "timeout: 1h"
MODES = ("", ", execution: pooled, poolSize: 1")


def engines(light, both):
    """Programs with the engines that they have."""
    return [(light, "wazero")] + ([(both, "wazero"), (both, "wasmer")] if WITH_WASMER else [])


class Callers(LinkCase):
    def leave(self, port, path, when, body=b"{}"):
        """Asks, and goes when that has happened."""
        caller = self.closing(socket.create_connection(("127.0.0.1", port), 60))
        caller.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        poll("it runs", when)
        caller.close()

    def link_on(self, program, steps, more=""):
        self.target = self.service()
        self.files = self.directory()
        self.files.write("link.yaml", self.link_yaml(("api", self.target.port, more + f"    interceptors:\n{steps}")))
        return self.closing(Link(self.files, program=program)).wait_ready()

    def test_a_guest_of_a_target_is_stopped(self):
        for program, runtime in engines(FISO_LINK, FISO_WASMER_LINK):
            for mode in MODES:
                config = f"module: {guest('reads_then_hangs')}, runtime: {runtime}, {FOREVER}, failOpen: true{mode}"
                link = self.link_on(program, f"      - {{type: wasm, config: {{{config}}}}}\n")
                self.leave(link.port(), "/link/api/", lambda now=link: now.metric("fiso_wasm_calls_total", flow="link/api") == 1)
                poll("it was stopped", lambda now=link: now.metric("fiso_wasm_errors_total", flow="link/api", kind="abandoned") == 1)
                poll("it is told", lambda now=link: self.requests_total(now, target="api", status="error") == 1)
                self.assertEqual((self.target.asked, link.log("interceptor failed")), ([], []), config)
                self.assert_stops(link)

    def test_a_guest_that_looks_at_the_answer_is_stopped_too(self):
        step = f"      - {{type: wasm, config: {{module: {guest('loop')}, phase: inbound, {FOREVER}}}}}\n"
        link = self.link_on(FISO_LINK, step, more="    circuitBreaker: {enabled: true, failureThreshold: 1}\n    timeout: 1h\n")
        self.leave(link.port(), "/link/api/", lambda: link.metric("fiso_wasm_calls_total", flow="link/api") == 1)
        poll("it was stopped", lambda: link.metric("fiso_wasm_errors_total", flow="link/api", kind="abandoned") == 1)
        self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 0)
        self.assert_stops(link)

    def test_a_guest_of_a_flow_is_stopped_and_the_event_is_rejected(self):
        for program, runtime in engines(FISO_FLOW, FISO_FLOW_WASMER):
            for mode in MODES:
                events = self.sink()
                config = f"module: {guest('reads_then_hangs')}, runtime: {runtime}, {FOREVER}, failOpen: true{mode}"
                files = self.directory(orders="name: orders\nsource: {type: http, config: {listenAddr: '127.0.0.1:0', path: /orders}}\n"
                                       f"interceptors: [{{type: wasm, config: {{{config}}}}}]\nsink:\n{http_sink(events.url)}")
                flow = self.closing(Flow(files, program=program)).wait_ready()
                self.leave(flow.port(), "/orders", lambda now=flow: now.metric("fiso_wasm_calls_total", flow="orders") == 1)
                poll("the books are closed", lambda now=flow: now.books() == (1, 0, 1, 0))
                self.assertEqual(flow.metric("fiso_wasm_errors_total", flow="orders", kind="abandoned"), 1)
                self.assertEqual(events.received, [])
                self.assert_stops(flow)

    @unittest.skipUnless(WITH_WASMER, "built without Wasmer")
    def test_the_guest_of_an_app_is_stopped_whoever_asked(self):
        for runtime in ("wazero", "wasmer"):
            apps = f"wasmer:\n  apps:\n    - {{name: slow, module: {guest('reads_then_hangs')}, runtime: {runtime}, {FOREVER}}}\n"
            self.target = self.service()
            self.files = self.directory()
            self.files.write("link.yaml", self.link_yaml(
                ("api", self.target.port, "    timeout: 1h\n    interceptors:\n      - {type: wasmer-app, config: {app: slow}}\n"))
                + f"  - {{name: app, protocol: app, app: slow, timeout: 1h}}\n{apps}")
            link = self.closing(Link(self.files, program=FISO_WASMER_LINK)).wait_ready()
            own_port = link.wait_log("started wasmer app")[0]["addr"].rpartition(":")[2]
            runs = lambda now=link: now.metric("fiso_app_instances", app="slow") == 1
            for port, path in ((link.port(), "/link/api/"), (link.port(), "/link/app/"), (int(own_port), "/")):
                self.leave(port, path, runs)
                poll("it was stopped", lambda now=link: now.metric("fiso_app_instances", app="slow") == 0)
            self.assertEqual(self.target.asked, [])
            self.assert_stops(link)


class Deadlines(LinkCase):
    def test_the_time_of_a_target_is_that_of_its_guests_too(self):
        self.target = self.service(lambda asked: (200, {}, b"{}"))
        breaker = "    timeout: 200ms\n    circuitBreaker: {enabled: true, failureThreshold: 1}\n" + QUICK
        for phase in ("outbound", "inbound"):
            for more in ("", ", failOpen: true"):
                step = f"      - {{type: wasm, config: {{module: {guest('loop')}, {FOREVER}, phase: {phase}{more}}}}}\n"
                link = self.link(("api", self.target.port, breaker + "    interceptors:\n" + step))
                answer = request(link.port(), "POST", "/link/api/", b"{}")
                self.assertEqual((answer.status, answer.text), (504, "gateway timeout\n"), step)
                self.assertEqual(link.metric("fiso_wasm_errors_total", flow="link/api", kind="late"), 1)
                self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 0)
                link.close()

    def test_so_is_the_time_that_an_answer_takes_to_come_as_a_whole(self):
        def slowly(conversation):
            conversation.recv(1 << 16)
            conversation.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            step = f"      - {{type: wasm, config: {{module: {guest('cat')}, phase: inbound}}}}\n"
            link = self.link(("api", listener.getsockname()[1], "    timeout: 500ms\n    retry: {maxAttempts: 1}\n    interceptors:\n" + step))
            caller = self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))
            caller.sendall(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
            conversation = self.closing(listener.accept()[0])
            slowly(conversation)
            self.assertEqual(caller.recv(12), b"HTTP/1.1 504")

    @unittest.skipUnless(WITH_WASMER, "built without Wasmer")
    def test_an_app_that_lives_on_is_waited_for_no_longer_and_stays_well(self):
        self.target = self.service()
        self.files = self.directory()
        apps = (f"wasmer:\n  apps:\n    - {{name: slow, module: {guest('lines_app')}, execution: longRunning, protocol: ndjson, args: ['--ids'], "
                f"{FOREVER}}}\n")
        self.files.write("link.yaml", self.link_yaml(
            ("api", self.target.port, "    timeout: 300ms\n    interceptors:\n      - {type: wasmer-app, config: {app: slow}}\n")) + apps)
        link = self.closing(Link(self.files, program=FISO_WASMER_LINK)).wait_ready()
        for _ in range(4):
            answer = post(link.port(), "/link/api/hold", "{}")
            self.assertEqual((answer.status, answer.text), (504, "gateway timeout\n"))
        self.assertEqual(post(link.port(), "/link/api/count", "{}").status, 200)
        self.assertEqual((link.metric("fiso_app_healthy", app="slow"), link.metric("fiso_app_restarts_total", app="slow")), (1, 0))
        self.assertEqual([asked["path"] for asked in self.target.asked], ["/count"])


if __name__ == "__main__":
    main()
