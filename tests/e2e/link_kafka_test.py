#!/usr/bin/env python3
"""Kafka targets of fiso-link: what is posted becomes a record, and 200 means that a broker has it."""
import json
import pathlib
import signal
import threading
import unittest

from harness import get, guest, main, poll, request, run
from kafka_harness import CLUSTER_AUTHORIZATION, DISCONNECT, INIT_PRODUCER_ID, NOT_ENOUGH_REPLICAS, NOT_LEADER, TOO_LARGE, TOPIC_AUTHORIZATION, KafkaCase
from link_harness import FISO_LINK

PASSING = "    retry: {maxAttempts: 5, initialInterval: 1ms}\n"


def post(link, target, body=b"{}", **headers):
    return request(link.port(), "POST", f"/link/{target}", body, {name.replace("_", "-"): value for name, value in headers.items()})


class Records(KafkaCase):
    def published(self, keys, body=b"{}", lines="", **headers):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", lines, keys))
        answer = post(link, "a", body, **headers)
        self.assertEqual((answer.status, answer.text), (200, '{"status":"published","topic":"t-a"}'))
        records = cluster.records("t-a")
        self.assertEqual(len(records), 1)
        return records[0], answer

    def test_a_record_is_where_the_answer_says(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""))
        for offset in range(3):
            answer = post(link, "a", b"body %d" % offset)
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
            self.assertEqual((answer.headers["fiso-kafka-partition"], answer.headers["fiso-kafka-offset"]), ("0", str(offset)))
        self.assertEqual([(record["offset"], record["payload"]) for record in cluster.records("t-a")],
                         [(0, "body 0"), (1, "body 1"), (2, "body 2")])
        said = link.wait_log("kafka publish completed", 3)[0]
        self.assertEqual((said["target"], said["topic"], said["partition"], said["offset"]), ("a", "t-a", 0, 0))
        self.assertEqual(link.metric("fiso_link_requests_total", target="a", status="200", mode="kafka", method="POST"), 3)

    # E22 to E27
    def test_a_key_comes_from_where_the_target_says(self):
        record, _ = self.published("key: {type: uuid}")
        self.assertGreaterEqual(len(record["key"]), 36)
        record, _ = self.published("key: {type: header, field: X-Message-Id}", X_Message_Id="m-1")
        self.assertEqual(record["key"], "m-1")
        record, _ = self.published("key: {type: payload, field: user_id}", json.dumps({"user_id": "u-7", "x": 1}).encode())
        self.assertEqual(record["key"], "u-7")
        record, _ = self.published("key: {type: static, value: fixed-key-12345}")
        self.assertEqual(record["key"], "fixed-key-12345")
        record, _ = self.published("key: {type: random}")
        self.assertTrue(record["key"])
        record, _ = self.published("")
        self.assertIsNone(record["key"])

    # E28
    def test_headers_of_target_and_caller_are_on_the_record(self):
        record, answer = self.published("headers: {static-header-1: one, static-header-2: two, X-Kind: target}", X_Custom_Header_1="a",
                                        x_custom_header_2="b", X_Kind="caller", X_Request_Id="mine")
        headers = dict(record["headers"])
        self.assertEqual((headers["static-header-1"], headers["static-header-2"]), ("one", "two"))
        self.assertEqual((headers["X-Custom-Header-1"], headers["X-Custom-Header-2"]), ("a", "b"))
        self.assertEqual(headers["X-Kind"], "target")
        self.assertEqual((headers["fiso-correlation-id"], answer.headers["fiso-correlation-id"]), ("mine", "mine"))

    def test_secrets_and_headers_of_http_are_not_on_the_record(self):
        record, _ = self.published("", Authorization="Bearer s3cret", Cookie="s3cret", X_Api_Key="s3cret", Connection="close, X-Hop", X_Hop="h",
                                   Proxy_Authorization="s3cret", X_Stays="1")
        names = {name.lower() for name, _ in record["headers"]}
        self.assertTrue({"x-stays", "fiso-correlation-id"} <= names)
        self.assertFalse(names & {"authorization", "cookie", "x-api-key", "connection", "x-hop", "proxy-authorization", "host", "content-length"})
        self.assertNotIn("s3cret", json.dumps(record))

    def test_a_body_is_any_bytes(self):
        record, _ = self.published("", b"no JSON \xc3\xa9")
        self.assertEqual(record["payload"], "no JSON \u00e9")

    # E32
    def test_ten_messages_are_ten_records(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""))
        statuses = []
        threads = [threading.Thread(target=lambda n=n: statuses.append(post(link, "a", b"%d" % n).status)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 10)
        self.assertEqual(sorted(int(record["payload"]) for record in cluster.records("t-a")), list(range(10)))

    def test_a_guest_changes_what_is_published(self):
        cluster = self.cluster("t-a")
        interceptors = f"    interceptors: [{{type: wasm, config: {{module: {guest('enrich')}}}}}]\n"
        link = self.kafka_link(cluster.bootstrap, ("a", interceptors, ""))
        answer = post(link, "a", b'{"order_id":"1"}')
        self.assertEqual(answer.status, 200, answer.text)
        self.assertIn("wasm_enriched", cluster.records("t-a")[0]["payload"])


class Refusals(KafkaCase):
    def test_what_is_no_publishing_is_refused(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "", "key: {type: payload, field: id}"))
        answer = get(link.port(), "/link/a")
        self.assertEqual((answer.status, answer.text, answer.headers["allow"]), (405, "method not allowed\n", "POST"))
        answer = post(link, "a/rest")
        self.assertEqual((answer.status, answer.text), (404, 'target "a/rest" not found\n'))
        answer = post(link, "a", b"{}")
        self.assertEqual((answer.status, answer.text), (400, 'key generation: field "id" not found in payload\n'))
        self.assertEqual(cluster.records("t-a"), [])

    def test_a_body_beyond_the_limit_is_413(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""), more="http: {maxBodyBytes: 1KiB}\n")
        self.assertEqual(post(link, "a", b"x" * 1025).status, 413)
        self.assertEqual(post(link, "a", b"x" * 1024).status, 200)
        cluster.fail(TOO_LARGE)
        self.assertEqual(post(link, "a", b"x").status, 413)

    # E30
    def test_beyond_the_rate_limit_is_429(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "    rateLimit: {requestsPerSecond: 0.01, burst: 5}\n", ""))
        answers = [post(link, "a") for _ in range(15)]
        self.assertEqual([answer.status for answer in answers], [200] * 5 + [429] * 10)
        self.assertEqual(answers[5].text, "rate limit exceeded\n")
        self.assertTrue(answers[5].headers["retry-after"])
        self.assertEqual(len(cluster.records("t-a")), 5)

    # E29
    def test_a_breaker_opens_after_failures(self):
        cluster = self.cluster("t-a")
        lines = "    circuitBreaker: {enabled: true, failureThreshold: 3, resetTimeout: 60s}\n"
        link = self.kafka_link(cluster.bootstrap, ("a", lines, ""))
        cluster.fail(TOPIC_AUTHORIZATION, 3)
        answers = [post(link, "a") for _ in range(3)]
        self.assertEqual([answer.status for answer in answers], [502] * 3)
        self.assertEqual(answers[0].text, "kafka publish: kafka publish to t-a: Broker: Topic authorization failed\n")
        answer = post(link, "a")
        self.assertEqual((answer.status, answer.text), (503, "circuit breaker open\n"))
        self.assertTrue(answer.headers["retry-after"])
        self.assertEqual((link.metric("fiso_link_circuit_state", target="a"), cluster.records("t-a")), (2, []))

    def test_more_records_than_may_wait_are_503(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "    timeout: 60s\n", ""), cluster="      maxQueuedRecords: 1\n")
        self.assertEqual(post(link, "a").status, 200)
        cluster.tell("rtt 600000")
        threading.Thread(target=lambda: post_quietly(link, "a"), daemon=True).start()
        poll("one waits", lambda: link.metric("fiso_link_kafka_records_waiting", target="a") == 1)
        answer = post(link, "a")
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertEqual(answer.text, "kafka publish: kafka publish to t-a: too many records wait for the cluster\n")

    def test_more_bytes_than_may_wait_are_503(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "    timeout: 60s\n", ""), cluster="      maxQueuedBytes: 1MiB\n")
        self.assertEqual(post(link, "a").status, 200)
        cluster.tell("rtt 600000")
        threading.Thread(target=lambda: post_quietly(link, "a", b"x" * 900_000), daemon=True).start()
        poll("one waits", lambda: link.metric("fiso_link_kafka_records_waiting", target="a") == 1)
        self.assertEqual(post(link, "a", b"x" * 300_000).status, 503)


def post_quietly(link, target, body=b"{}"):
    try:
        post(link, target, body)
    except OSError:
        pass


class Failures(KafkaCase):
    # E31
    def test_errors_that_pass_are_tried_again_and_the_record_is_there_once(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", PASSING, ""))
        for error in (NOT_LEADER, NOT_ENOUGH_REPLICAS, DISCONNECT):
            cluster.fail(error, 2)
            self.assertEqual(post(link, "a", b"%d" % error).status, 200)
        self.assertEqual([int(record["payload"]) for record in cluster.records("t-a")], [NOT_LEADER, NOT_ENOUGH_REPLICAS, DISCONNECT])

    def test_there_are_as_many_attempts(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "    retry: {maxAttempts: 1}\n", ""))
        cluster.fail(NOT_ENOUGH_REPLICAS)
        answer = post(link, "a")
        self.assertEqual((answer.status, answer.text), (502, "kafka publish: kafka publish to t-a: Broker: Not enough in-sync replicas\n"))
        self.assertEqual(cluster.records("t-a"), [])

    def test_without_an_acknowledgement_in_time_it_is_504(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "    timeout: 300ms\n", ""))
        cluster.tell("down")
        answer = post(link, "a")
        self.assertEqual((answer.status, answer.text), (504, "kafka publish: kafka publish to t-a: no acknowledgement in time\n"))
        cluster.tell("up")
        poll("it is well again", lambda: post(link, "a", b"later").status == 200)

    def test_an_acknowledgement_is_of_the_leader_where_that_is_enough(self):
        cluster = self.cluster("t-a")
        cluster.fail(CLUSTER_AUTHORIZATION, 1000, request=INIT_PRODUCER_ID)  # which an idempotent producer cannot do without
        link = self.kafka_link(cluster.bootstrap, ("a", "", "requiredAcks: 1"))
        self.assertEqual(post(link, "a").status, 200)

    def test_a_producer_that_is_refused_for_good_begins_anew(self):
        cluster = self.cluster("t-a")
        cluster.fail(CLUSTER_AUTHORIZATION, 1, request=INIT_PRODUCER_ID)  # asked for at the start
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""))
        poll("a record is taken", lambda: post(link, "a").status == 200)  # it is connected to for the first one
        self.assertTrue(link.log("kafka producer begins anew"))

    def test_a_stop_waits_for_what_is_under_way(self):
        cluster = self.cluster("t-a")
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""))
        self.assertEqual(post(link, "a").status, 200)
        cluster.tell("rtt 600000")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(post(link, "a").status))
        thread.start()
        poll("it waits", lambda: link.metric("fiso_link_kafka_records_waiting", target="a") == 1)
        link.process.send_signal(signal.SIGTERM)
        link.wait_log("shutting down")
        cluster.tell("rtt 0")
        cluster.tell("down")  # the answer that was held back is lost with its connection; it is asked for again
        cluster.tell("up")
        thread.join(60)
        self.assertEqual(answers, [200])
        self.assertEqual(link.wait(), 0)

    def test_a_target_that_says_the_same_keeps_its_producer(self):
        cluster = self.cluster("t-a", "t-b")
        link = self.kafka_link(cluster.bootstrap, ("a", "", ""))
        def producers():
            tasks = pathlib.Path(f"/proc/{link.process.pid}/task").glob("*/comm")
            return [task.parent.name for task in tasks if task.read_text().strip() == "kafka-events"]
        before = producers()
        self.assertEqual((len(before), post(link, "a").status), (1, 200))
        self.files.write("link.yaml", self.kafka_yaml(cluster.bootstrap, ("a", "", ""), ("b", "", "key: {type: uuid}")))
        poll("the new target is there", lambda: post(link, "b").status == 200)
        self.assertEqual(producers(), before)
        self.files.write("link.yaml", self.kafka_yaml(cluster.bootstrap, ("a", "    timeout: 7s\n", "")))
        poll("the other one has gone", lambda: post(link, "b").status == 404)
        poll("so has its producer", lambda: len(producers()) == 1 and producers() != before)
        self.assertEqual(post(link, "a").status, 200)


class Configuring(unittest.TestCase):
    def test_what_has_no_effect_is_refused(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "link.yaml"
            path.write_text("kafka: {clusters: {main: {brokers: [a:9092]}}}\ntargets:\n"
                            f"  - {{name: a, protocol: kafka, kafka: {{cluster: other, topic: t}}, interceptors: [{{type: wasm, config: {{module: {guest('enrich')}, phase: inbound}}}}]}}\n")
            done = run(FISO_LINK, "-config", path, "-check")
        self.assertEqual(done.returncode, 1)
        for text in ('kafka.cluster "other" not found in kafka.clusters', "`phase: inbound` has no effect with `protocol: kafka`"):
            self.assertIn(text, done.stderr.decode())


if __name__ == "__main__":
    main()
