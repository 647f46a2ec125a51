#!/usr/bin/env python3
"""Events through a flow, as callers and sinks see them: the scenarios of the contract, the answers, the CloudEvents."""
import json
import re
import threading

from harness import ANY_PORT, TestCase, flow_yaml, get, guest, http_sink, main, poll, post, request

ORDER = {"order_id": "12345", "amount": 99.99}


class Scenarios(TestCase):
    def test_1_an_event_reaches_the_sink_and_is_answered_200(self):
        sink = self.sink()
        flow = self.serve(path="/ingest", sink=http_sink(sink.url))
        answer = post(flow.port(), "/ingest", ORDER)
        self.assertEqual((answer.status, answer.body), (200, b""))
        (path, headers, _), = sink.received
        self.assertEqual((path, headers["content-type"]), ("/in", "application/cloudevents+json"))
        self.assertEqual(sink.events()[0]["data"], ORDER)

    def test_2_a_sink_that_says_502_gives_500_after_one_attempt(self):
        sink = self.sink(lambda body: 502)
        flow = self.serve(path="/ingest", sink=http_sink(sink.url))
        answer = post(flow.port(), "/ingest", ORDER)
        self.assertEqual((answer.status, answer.text), (500, "SINK_DELIVERY_FAILED: http status 502\n"))
        self.assertEqual(len(sink.received), 1)
        self.assertEqual(flow.books(), (1, 0, 1, 0))

    def test_14_15_two_flows_share_a_listener(self):
        sink = self.sink()
        flow = self.start(self.directory(a=flow_yaml("flow-a", path="/ingest-a", sink=http_sink(sink.url)),
                                         b=flow_yaml("flow-b", path="/ingest-b", sink=http_sink(sink.url))))
        self.assertEqual([post(flow.port(), f"/ingest-{name}", ORDER).status for name in "ab"], [200, 200])
        self.assertEqual([event["source"] for event in sink.events()], ["fiso-flow/flow-a", "fiso-flow/flow-b"])
        self.assertEqual((flow.books("flow-a"), flow.books("flow-b")), ((1, 1, 0, 0), (1, 1, 0, 0)))

    def test_16_17_an_event_is_enriched_by_a_guest(self):
        sink = self.sink()
        flow = self.serve(sink=http_sink(sink.url), module=guest("enrich"))
        self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual(sink.events()[0]["data"], {"wasm_enriched": True, **ORDER})
        self.assertEqual(sink.received[0][1]["x-wasm-enriched"], "true")


class Answers(TestCase):
    def test_only_post_is_taken(self):
        flow = self.serve()
        for method in ("GET", "PUT", "DELETE"):
            answer = request(flow.port(), method, "/orders")
            self.assertEqual((answer.status, answer.text), (405, "method not allowed\n"))
            self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")

    def test_an_unknown_path_is_404(self):
        answer = post(self.serve().port(), "/other", ORDER)
        self.assertEqual((answer.status, answer.text), (404, "404 page not found\n"))

    def test_a_payload_that_is_not_json_is_the_callers_fault(self):
        for module, code in ((None, "CLOUDEVENT_WRAP_FAILED"), (guest("enrich"), "INTERCEPTOR_FAILED")):
            for more, status in (("", 500), ("errorHandling:\n  statusMode: precise\n", 400)):
                flow = self.serve(module=module, more=more)
                for body in ("", "order", '{"a":', "{} {}"):
                    answer = post(flow.port(), "/orders", body)
                    self.assertEqual(answer.status, status, body)
                    self.assertTrue(answer.text.startswith(code + ": "), answer.text)
                self.assertEqual(flow.books(), (4, 0, 4, 0))

    def test_an_answer_tells_neither_address_nor_url_but_the_log_does(self):
        sink = self.sink()
        sink.close()
        flow = self.serve(sink=http_sink(f"http://127.0.0.1:{sink.port}/secret-path"))
        answer = post(flow.port(), "/orders", ORDER)
        self.assertEqual((answer.status, answer.text), (500, "SINK_DELIVERY_FAILED: connection refused\n"))
        line, = flow.wait_log("event processing failed")
        self.assertEqual((line["flow"], line["code"], line["topic"]), ("orders", "SINK_DELIVERY_FAILED", "http"))
        self.assertIn(f"127.0.0.1:{sink.port}", line["error"])

    def test_precise_statuses_say_whose_fault_it_was(self):
        for answer_of_sink, status in ((404, 502), (503, 502)):
            sink = self.sink(lambda body, code=answer_of_sink: code)
            flow = self.serve(sink=http_sink(sink.url), more="errorHandling:\n  statusMode: precise\n")
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, status)

    def test_events_beyond_maxInFlight_are_answered_503(self):
        release = threading.Event()
        self.addCleanup(release.set)
        sink = self.sink(lambda body: release.wait(60) and 200)
        flow = self.serve(sink=http_sink(sink.url), more="maxInFlight: 1\n")
        first = []
        thread = threading.Thread(target=lambda: first.append(post(flow.port(), "/orders", ORDER)))
        thread.start()
        poll("the first is under way", lambda: flow.books()[3] == 1)
        second = post(flow.port(), "/orders", ORDER)
        self.assertEqual((second.status, second.headers["retry-after"]), (503, "1"))
        release.set()
        thread.join()
        self.assertEqual(first[0].status, 200)
        self.assertEqual(flow.books(), (2, 1, 1, 0))


class CloudEvents(TestCase):
    def delivered(self, body, headers=None, **arguments):
        sink = self.sink()
        flow = self.serve(sink=http_sink(sink.url), **arguments)
        answer = request(flow.port(), "POST", "/orders", body, headers or {})
        self.assertEqual(answer.status, 200, answer.text)
        return sink.received[0]

    def test_a_payload_is_wrapped_with_its_bytes_untouched(self):
        payload = '{"n": 12345678901234567890, "f": 1.10, "e": [], "twice": 1, "twice": 2, "text": "a\\u00e9<&>"}'
        _, _, body = self.delivered(payload)
        event = json.loads(body)
        self.assertTrue(body.decode().endswith(f'"data":{payload}}}'), body)
        self.assertEqual(list(event), ["specversion", "id", "source", "type", "datacontenttype", "time", "data"])
        self.assertEqual([event[key] for key in ("specversion", "source", "type", "datacontenttype")],
                         ["1.0", "fiso-flow/orders", "fiso.event", "application/json"])
        self.assertRegex(event["id"], r"^[0-9a-f-]{36}$")
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")

    def test_an_idempotency_key_becomes_the_id(self):
        self.assertEqual(json.loads(self.delivered("{}", {"Idempotency-Key": "once-1"})[2])["id"], "once-1")

    def test_configured_attributes_are_set(self):
        more = "cloudevents:\n  type: order.created\n  source: shop\n  subject: orders\n"
        event = json.loads(self.delivered("{}", more=more)[2])
        self.assertEqual((event["type"], event["source"], event["subject"]), ("order.created", "shop", "orders"))

    def test_a_structured_cloudevent_passes_as_it_is(self):
        event = '{"specversion": "1.0", "id": "7", "type": "t", "source": "s", "data": {"big": 1e400}}'
        self.assertEqual(self.delivered(event)[2].decode(), event)

    def test_a_binary_mode_cloudevent_keeps_its_attributes(self):
        headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "7", "ce-region": "eu"}
        event = json.loads(self.delivered("{}", headers)[2])
        self.assertEqual([event[key] for key in ("id", "type", "source", "region")], ["7", "t", "s", "eu"])


class Correlation(TestCase):
    def test_ids_are_found_in_order_and_in_any_case(self):
        sink = self.sink()
        flow = self.serve(sink=http_sink(sink.url))
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        headers = {}
        for name, value, expected in (("traceparent", parent, parent[3:35]), ("X-REQUEST-ID", "c", "c"), ("X-Correlation-Id", "b", "b"),
                                      ("Fiso-Correlation-Id", "a", "a")):
            headers[name] = value
            request(flow.port(), "POST", "/orders", "{}", headers)
            self.assertEqual(sink.received[-1][1]["fiso-correlation-id"], expected)
            line = poll("its log line", lambda: [line for line in flow.log("event delivered") if line["correlation_id"] == expected])[0]
            self.assertEqual(line["correlation_source"], name.lower())

    def test_an_event_without_one_gets_a_new_one(self):
        sink = self.sink()
        flow = self.serve(sink=http_sink(sink.url))
        for _ in range(2):
            post(flow.port(), "/orders", ORDER)
        first, second = (headers["fiso-correlation-id"] for _, headers, _ in sink.received)
        self.assertTrue(re.fullmatch(r"[0-9a-f-]{36}", first))
        self.assertNotEqual(first, second)


class Listeners(TestCase):
    def test_a_path_that_ends_in_a_slash_takes_all_below_it(self):
        flow = self.start(self.directory(all=flow_yaml("all", path="/in/"), one=flow_yaml("one", path="/in/one")))
        for path, status in (("/in/", 200), ("/in/a/b?c=1", 200), ("/in/one", 200), ("/in", 404), ("/", 404)):
            self.assertEqual(post(flow.port(), path, "{}").status, status, path)
        self.assertEqual((flow.books("all")[1], flow.books("one")[1]), (2, 1))

    def test_flows_may_listen_on_addresses_of_their_own(self):
        flow = self.start(self.directory(a=flow_yaml("a"), b=flow_yaml("b", address="localhost:0")))
        self.assertNotEqual(flow.port(ANY_PORT), flow.port("localhost:0"))
        for address in (ANY_PORT, "localhost:0"):
            self.assertEqual(post(flow.port(address), "/orders", "{}").status, 200)

    def test_metrics_are_prometheus_text(self):
        flow = self.serve(module=guest("enrich"))
        post(flow.port(), "/orders", ORDER)
        page = get(flow.admin_port, "/metrics")
        self.assertTrue(page.headers["content-type"].startswith("text/plain; version=0.0.4"))
        for line in page.text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) .+|[a-zA-Z_:]+(\{.*\})? [-+0-9.eInfNa]+)$')


if __name__ == "__main__":
    main()
