#!/usr/bin/env python3
"""The original's end-to-end statements about its Wasmer programs, by their numbers, with guests that behave as its modules do: Go,
WASI preview 1, the input from `--stdin-file` or stdin."""
import datetime
import unittest

from harness import ANY_PORT, FISO_FLOW_WASMER, Flow, TestCase, flow_yaml, get, guest, http_sink, main, missing_guests, poll, post
from wasmer_standalone_test import Apps

SERVER = """apps:
  - name: http-server
    module: {module}
    port: 0
    execution: longRunning
    memoryMB: 64
    env:
      SERVER_NAME: fiso-wasmer-e2e
      LOG_LEVEL: info
    healthCheck: /health
    healthCheckInterval: 10s
"""
PROCESSOR = """apps:
  - name: processor
    module: {module}
    execution: longRunning
    env:
      APP_NAME: processor
    healthCheck: /health
"""


class AppCase(TestCase):
    def apps(self, text, module):
        directory = self.directory()
        directory.write("apps.yaml", text.format(module=guest(module)))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        poll("it is healthy", lambda: apps.admin("/readyz").status == 200)
        return apps


@unittest.skipIf(missing_guests("server_go"), "built without Go guests")
class Standalone(AppCase):
    def setUp(self):
        self.running = self.apps(SERVER, "server_go")
        self.port = self.running.port("http-server")

    def test_E3_hello_greets(self):
        answer = get(self.port, "/hello")
        self.assertEqual(answer.status, 200)
        self.assertIn("greeting", answer.text)
        self.assertEqual((answer.json()["server"], answer.json()["version"]), ("fiso-wasmer-e2e", "2.0.0"))

    def test_E4_echo_gives_back_what_it_got(self):
        answer = post(self.port, "/echo", {"message": "hello-world", "count": 42})
        self.assertEqual(answer.status, 200)
        self.assertIn("hello-world", answer.text)
        self.assertEqual(answer.json(), {"received": {"message": "hello-world", "count": 42}, "echoed": True, "server": "fiso-wasmer-e2e"})

    def test_E5_health_is_healthy(self):
        answer = get(self.port, "/health")
        self.assertEqual((answer.status, answer.json()), (200, {"status": "healthy", "uptime": "ok"}))

    def test_E6_other_paths_are_not_found(self):
        answer = get(self.port, "/elsewhere")
        self.assertEqual((answer.status, answer.json()), (404, {"error": "not found", "path": "/elsewhere"}))

    def test_a_module_that_answers_one_request_is_served_per_request_and_never_restarted(self):
        self.assertEqual([get(self.port, "/hello").status for _ in range(5)], [200] * 5)
        [told] = self.running.log("app answers once, its guest runs once per request")
        self.assertEqual((told["app"], told["declared"], told["effective"]), ("http-server", "longRunning", "perRequest"))
        mode = 'fiso_app_mode{app="http-server",declared="longRunning",effective="perRequest"} 1'
        self.assertIn(mode, self.running.admin("/metrics").text)
        self.assertEqual((self.running.admin("/apps").json()[0]["restarts"], self.running.log("app guest restarts")), (0, []))
        self.assertEqual(self.running.stop(), 0)


@unittest.skipIf(missing_guests("transform_go"), "built without Go guests")
class FlowWasmer(TestCase):
    def setUp(self):
        self.events = self.sink()
        text = flow_yaml("transform-flow", path="/ingest", module=guest("transform_go"), interceptor="      runtime: wasmer\n",
                         sink=http_sink(self.events.url))
        flow = self.closing(Flow(self.directory(transform=text), program=FISO_FLOW_WASMER)).wait_ready()
        order = {"order_id": "ORD-12345", "customer_id": "CUST-001", "amount": 199.99, "currency": "USD"}
        self.answer = post(flow.port(), "/ingest", order)
        self.port = flow.port()
        (_, self.headers, _), = self.events.received
        self.data = self.events.events()[0]["data"]

    def test_E7_an_order_is_taken(self):
        self.assertEqual(self.answer.status, 200)

    def test_E8_it_is_enriched(self):
        self.assertIs(self.data["wasmer_enriched"], True)
        self.assertEqual((self.data["runtime"], self.data["value_category"]), ("wasmer", "medium"))
        self.assertEqual((self.data["order_id"], self.data["amount"]), ("ORD-12345", 199.99))

    def test_E9_by_a_real_clock(self):
        processed = datetime.datetime.fromisoformat(self.data["processed_at"].replace("Z", "+00:00"))
        self.assertLess(abs(datetime.datetime.now(datetime.timezone.utc) - processed), datetime.timedelta(minutes=5))

    def test_E10_the_headers_reach_the_sink(self):
        self.assertEqual((self.headers["x-wasmer-processed"], self.headers["x-processing-runtime"], self.headers["x-request-direction"]),
                         ("true", "wasmer", "inbound"))

    def test_a_payload_that_is_no_object_is_kept(self):
        self.assertEqual(post(self.port, "/ingest", [1, 2]).status, 200)
        self.assertEqual(self.events.events()[1]["data"]["raw"], [1, 2])


@unittest.skipIf(missing_guests("processor_go"), "built without Go guests")
class Processor(AppCase):
    def test_E17_the_second_call_counts_two(self):
        apps = self.apps(PROCESSOR, "processor_go")
        port = apps.port("processor")
        for count in (1, 2, 3):
            answer = get(port, "/process")
            self.assertEqual(answer.status, 200)
            said = answer.json()
            self.assertEqual((said["processor"], said["count"], said["request_id"]), ("processor", count, f"req-{count}"))
            self.assertEqual((said["health"], said["app_version"]), ("ok", "2.0.0-aio"))
        self.assertEqual(get(port, "/health").json(), {"status": "healthy", "processed": 3})
        metrics = get(port, "/metrics")
        self.assertEqual((metrics.headers["content-type"], metrics.text), ("text/plain; version=0.0.4", "processor_requests_total 3\n"))
        self.assertEqual(get(port, "/").headers["content-type"], "text/plain")
        self.assertEqual(get(port, "/else").status, 404)
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
