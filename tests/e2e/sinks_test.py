#!/usr/bin/env python3
"""Where events go: HTTP with retries, standard output, nowhere."""
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from harness import (FISO_FLOW, ReservedPort, TestCase, answers, environment, flow_yaml, guest, http_sink, main, poll, post,
                     request)


class Retries(TestCase):
    def deliver(self, answer, more):
        sink = self.sink(answer)
        flow = self.serve(sink=http_sink(sink.url), more=f"errorHandling:\n{more}")
        return post(flow.port(), "/orders", {}), sink, flow

    def test_maxRetries_counts_all_attempts(self):
        for count in (0, 1, 3):
            answer, sink, flow = self.deliver(lambda body: 503, f"  maxRetries: {count}\n" + ("  backoff: constant\n" if count > 1 else ""))
            self.assertEqual(len(sink.received), max(1, count))
            self.assertEqual(answer.status, 500)
            said = "SINK_DELIVERY_FAILED: " + (f"delivery failed after {count} attempts: " if count > 1 else "") + "http status 503\n"
            self.assertEqual(answer.text, said)
            self.assertEqual(flow.metric("fiso_flow_sink_retries_total"), max(1, count) - 1)
            self.assertEqual(flow.metric("fiso_flow_sink_delivery_errors_total"), 1)

    def test_what_cannot_succeed_is_not_tried_again(self):
        for status in (400, 404, 422):
            answer, sink, _ = self.deliver(lambda body, code=status: code, "  maxRetries: 5\n")
            self.assertEqual((answer.status, len(sink.received)), (500, 1))

    def test_a_later_attempt_may_succeed(self):
        statuses = [500, 429, 301, 200]
        answer, sink, _ = self.deliver(lambda body: statuses.pop(0), "  maxRetries: 4\n  backoff: constant\n")
        self.assertEqual((answer.status, len(sink.received)), (200, 4))
        self.assertEqual(len({body for _, _, body in sink.received}), 1)  # the same event each time

    def test_a_retry_after_beyond_half_a_minute_ends_the_attempts(self):
        answer, sink, _ = self.deliver(lambda body: (503, {"Retry-After": "3600"}), "  maxRetries: 3\n")
        self.assertEqual((answer.status, len(sink.received)), (500, 1))

    def test_a_retry_after_is_waited_for(self):
        answers = [(503, {"Retry-After": "1"}), (200, {})]
        times = []

        def answer(body):
            times.append(time.monotonic())
            return answers.pop(0)
        got, _, _ = self.deliver(answer, "  maxRetries: 2\n")
        self.assertEqual(got.status, 200)
        self.assertGreaterEqual(times[1] - times[0], 1)


class Http(TestCase):
    def test_configured_method_and_headers_are_sent(self):
        sink = self.sink()
        more = "    method: PUT\n    headers:\n      Authorization: {fromEnv: E2E_TOKEN}\n      X-Fixed: here\n"
        flow = self.start(self.directory(orders=flow_yaml(sink=http_sink(sink.url, more), module=guest("headers"))), E2E_TOKEN="hush-hush")
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        headers = sink.received[0][1]
        self.assertEqual((headers["authorization"], headers["x-fixed"]), ("hush-hush", "here"))
        self.assertNotIn("hush-hush", json.dumps(flow.log()))

    def test_source_headers_stay_behind_unless_they_are_named(self):
        sink = self.sink()
        source = "/orders\n    forwardHeaders: [X-Tenant]"
        flow = self.serve(path=source, sink=http_sink(sink.url))
        request(flow.port(), "POST", "/orders", "{}", {"X-Tenant": "a", "X-Other": "b", "Authorization": "c"})
        headers = sink.received[0][1]
        self.assertEqual(headers["x-tenant"], "a")
        self.assertNotIn("x-other", headers)
        self.assertNotIn("authorization", headers)

    def test_a_sink_that_does_not_answer_is_a_timeout(self):
        silent = socket.socket()
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        flow = self.serve(sink=http_sink(url, "    timeout: 200ms\n"), more="errorHandling:\n  statusMode: precise\n")
        answer = post(flow.port(), "/orders", {})
        self.assertEqual((answer.status, answer.text), (504, "SINK_DELIVERY_FAILED: timeout\n"))

    def test_a_sink_that_breaks_off_fails_its_event_only(self):
        for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"):
            broken = self.closing(OneReply(reply))
            flow = self.serve(sink=http_sink(f"http://127.0.0.1:{broken.port}/"))
            answer = post(flow.port(), "/orders", {})
            self.assertEqual(answer.status, 500, reply)
            self.assertTrue(answer.text.startswith("SINK_DELIVERY_FAILED: "), answer.text)
            self.assertEqual(flow.books(), (1, 0, 1, 0))

    def test_a_sink_that_breaks_off_in_a_body_has_answered(self):
        sink = self.closing(OneReply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
        flow = self.serve(sink=http_sink(f"http://127.0.0.1:{sink.port}/"))
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assertEqual(flow.books(), (1, 1, 0, 0))
        told = flow.wait_log("sink's answer broke off, its connection is closed")[0]
        self.assertEqual((told["level"], told["target"], told["status"]), ("WARN", f"http://127.0.0.1:{sink.port}/", 200))


class OneReply:
    """Reads a request, writes these bytes, closes; again for each connection."""

    def __init__(self, reply):
        self._reply = reply
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._reply)

    def close(self):
        self._socket.close()


class Stdout(TestCase):
    def test_each_event_is_one_line_of_json(self):
        flow = self.serve(sink="  type: stdout")
        texts = ['{"a": 1}', '{\n  "b": [1,\r\n 2]\n}', json.dumps({"long": "x" * 100_000})]
        for text in texts:
            self.assertEqual(post(flow.port(), "/orders", text).status, 200)
        events = poll("the lines", lambda: (found := [line for line in flow.log() if "specversion" in line]) and len(found) == 3 and found)
        self.assertEqual([event["data"] for event in events], [json.loads(text) for text in texts])


class UnreadStdout(TestCase):
    def setUp(self):
        self.address, admin = (self.closing(ReservedPort()) for _ in range(2))
        self.data = self.directory().path
        def output(timeout):
            return f"  type: stdout\n  config:\n    timeout: {timeout}\n"
        files = f"      preopens:\n        /data: {self.data}\n"
        directory = self.directory(echo=flow_yaml("echo", path="/echo", address=self.address.address, sink=output("300ms")),
                                   patient=flow_yaml("patient", path="/patient", address=self.address.address, sink=output("10m")),
                                   files=flow_yaml("files", path="/files", address=self.address.address, module=guest("files"), interceptor=files))
        directory.write("fiso.yaml", "shutdownTimeout: 500ms\n")
        self.reading, writing = os.pipe()
        self.addCleanup(os.close, self.reading)
        self.process = subprocess.Popen([FISO_FLOW, "-config-dir", str(directory.path), "-log-level", "error"], stdout=writing,
                                        env=environment(FISO_METRICS_ADDR=admin.address))
        os.close(writing)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        poll("ready", lambda: answers(admin.port, "/readyz"))

    def test_only_events_for_it_wait_and_a_stop_does_not(self):
        answered = []

        def send():
            answered.append(post(self.address.port, "/echo", {"long": "x" * 100_000}))
        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        for number in range(8):  # more than the threads that wait for files
            body = {"op": "write", "path": f"/data/{number}.txt", "text": "x"}
            self.assertEqual(post(self.address.port, "/files", body).status, 200)
            self.assertTrue((self.data / f"{number}.txt").exists())
        for sender in senders:
            sender.join()
        self.assertEqual([(answer.status, answer.text) for answer in answered], [(500, "SINK_DELIVERY_FAILED: timeout\n")] * 8)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=30), 0)

    def test_a_stop_cuts_what_still_waits(self):
        sender = socket.create_connection(("127.0.0.1", self.address.port))
        self.addCleanup(sender.close)
        body = b'"' + b"x" * 100_000 + b'"'
        sender.sendall(b"POST /patient HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        poll("a line", lambda: select.select([self.reading], [], [], 0)[0])  # the event's: the log says nothing
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=30), 1)


class Discard(TestCase):
    def test_events_count_as_delivered(self):
        flow = self.serve(sink="  type: discard")
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assertEqual(flow.books(), (1, 1, 0, 0))


if __name__ == "__main__":
    main()
