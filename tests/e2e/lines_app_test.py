#!/usr/bin/env python3
"""Apps that live on and answer line by line (NDJSON on stdin and stdout), through the real fiso-wasmer."""
import json
import os
import signal
import threading

from harness import ANY_PORT, FISO_WASMER, TestCase, descendants, get, guest, main, poll, post, run
from wasmer_standalone_test import Apps, app_yaml

LIVES_ON = "    execution: longRunning\n    port: 0\n"


class Lines(TestCase):
    def apps(self, *apps):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps))
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def start(self, more="", module="lines_app"):
        apps = self.apps(app_yaml("lines", LIVES_ON + more, module))
        return apps, apps.port("lines")

    def body(self, port, path):
        answer = get(port, path)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def test_what_it_does_first_makes_it_a_guest_that_is_talked_to(self):
        apps, port = self.start()
        self.assertEqual([self.body(port, "/count")["count"] for _ in range(3)], [1, 2, 3])
        self.assertEqual(post(port, "/echo", b'{"n": 12345678901234567890}').body, b'{"n":12345678901234567890}')
        self.assertEqual(len(apps.log("app stderr")), 1)  # it began once
        self.assertEqual(apps.stop(), 0)

    def test_declared_by_either_key(self):
        for more in ("    protocol: ndjson\n", "    stdio: ndjson\n"):
            _, port = self.start(more)
            self.assertEqual([self.body(port, "/count")["count"] for _ in range(2)], [1, 2])

    def test_many_at_once_are_asked_one_by_one_and_each_gets_its_own(self):
        _, port = self.start()
        answers = []
        def ask(i):
            answers.append(post(port, "/echo", f'{{"n":{i}}}'.encode()).body == f'{{"n":{i}}}'.encode())
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [True] * 40)

    def test_a_guest_that_speaks_of_ids_answers_in_any_order(self):
        _, port = self.start("    args: [--ids]\n")
        self.body(port, "/count")
        held = []
        thread = threading.Thread(target=lambda: held.append(self.body(port, "/hold")))
        thread.start()
        # Answered by whatever comes behind it; a guest that is asked one by one would never get that.
        answers = []
        while thread.is_alive():
            answers.append(self.body(port, "/count")["path"])
            thread.join(0.01)
        self.assertEqual(held[0]["path"], "/hold")
        self.assertEqual(set(answers), {"/count"})

    def test_a_late_answer_is_nobody_elses(self):
        for args in ("", "    args: [--ids]\n"):
            _, port = self.start("    protocol: ndjson\n    timeout: 200ms\n    unhealthyThreshold: 9\n" + args)
            self.body(port, "/count")
            late = get(port, "/late")
            self.assertEqual((late.status, late.body), (504, b"wasm execution timeout after 200ms\n"))
            self.assertEqual(self.body(port, "/count")["count"], 3)

    def test_what_goes_wrong_is_502_and_the_guest_lives_on_or_is_started_again(self):
        apps, port = self.start("    protocol: ndjson\n")
        self.body(port, "/count")
        text = get(port, "/text")
        self.assertEqual(text.status, 502)
        self.assertIn(b"decode wasm response: ", text.body)
        self.assertEqual(self.body(port, "/count")["count"], 3)
        for path, words in (("/exit", b"wasm execution: module closed with exit_code(3)"), ("/trap", b"wasm execution: wasm trap: unreachable"),
                            ("/huge", b"wasm execution: wasm output is larger than 10MiB")):
            failed = get(port, path)
            self.assertEqual(failed.status, 502, path)
            self.assertIn(words, failed.body)
            self.assertNotIn(b"xxxx", failed.body)
            poll("the app is back", lambda: get(port, "/count").status == 200)
        self.assertIn('fiso_app_restarts_total{app="lines"} 3', apps.admin("/metrics").body.decode())

    def test_a_guest_that_is_over_its_time_again_and_again_is_replaced(self):
        apps, port = self.start("    timeout: 100ms\n    unhealthyThreshold: 2\n")
        self.body(port, "/count")
        self.body(port, "/count")
        self.assertEqual(get(port, "/loop").status, 504)
        self.assertIn(get(port, "/count").status, (503, 504))
        poll("a second guest", lambda: len(apps.log("app stderr")) == 2)
        poll("the app is back", lambda: get(port, "/count").status == 200)

    def test_a_worker_that_is_killed_costs_the_request_under_way_at_most(self):
        apps, port = self.start()
        self.body(port, "/count")
        os.kill(next(iter(descendants(apps.process.pid))), signal.SIGKILL)
        poll("a second guest", lambda: len(apps.log("app stderr")) == 2)
        self.assertEqual(self.body(port, "/count")["count"], 1)

    def test_health_checks_are_lines_too(self):
        apps, port = self.start("    healthCheck: /health\n")
        poll("healthy", lambda: json.loads(apps.admin("/apps").body)[0]["state"] == "healthy")
        self.assertGreater(self.body(port, "/count")["count"], 1)
        self.assertNotIn('fiso_app_requests_total{app="lines",status="2xx"} 2', apps.admin("/metrics").body.decode())

    def test_a_guest_that_answers_once_loses_nothing_and_is_served_per_request(self):
        apps, port = self.start(module="hello_app")
        answers = [get(port, "/hello").status for _ in range(5)]
        self.assertEqual(answers, [200] * 5)
        self.assertEqual(len(apps.log("app answers once, its guest runs once per request")), 1)
        metrics = apps.admin("/metrics").body.decode()
        self.assertIn('fiso_app_mode{app="lines",declared="longRunning",effective="perRequest"} 1', metrics)
        self.assertIn('fiso_app_mode{app="lines",declared="longRunning",effective="longRunning"} 0', metrics)
        self.assertEqual(apps.log("app guest restarts"), [])

    def test_a_guest_that_leaves_after_its_first_answer_answers_once(self):
        apps, port = self.start()
        self.assertEqual([get(port, "/leave").status for _ in range(3)], [200] * 3)
        self.assertEqual(len(apps.log("app answers once, its guest runs once per request")), 1)

    def test_json_once_says_so_beforehand(self):
        apps, port = self.start("    protocol: json-once\n", "hello_app")
        self.assertEqual([get(port, "/hello").status for _ in range(3)], [200] * 3)
        self.assertEqual(apps.log("app answers once, its guest runs once per request"), [])

    def test_a_guest_that_shall_speak_http_and_does_not_is_told_so(self):
        apps, _ = self.start("    protocol: http\n    startTimeout: 100ms\n")
        poll("a reason", lambda: any(entry["reason"] == "it does not listen on its PORT" for entry in apps.log("app guest restarts")))

    def test_requests_beyond_max_in_flight_wait_and_are_turned_away(self):
        apps, port = self.start("    timeout: 5s\n    maxInFlight: 1\n    unhealthyThreshold: 9\n")
        self.body(port, "/count")
        first = []
        thread = threading.Thread(target=lambda: first.append(get(port, "/silent").status))
        thread.start()
        poll("it is under way", lambda: get(port, "/count").status == 503)
        self.assertEqual(get(port, "/count").body, b"the app is busy\n")
        thread.join()
        self.assertEqual(first, [504])

    def test_keys_that_do_not_go_together_are_told(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app_yaml("a", LIVES_ON + "    protocol: http\n    stdio: ndjson\n")
                        + app_yaml("b", "    protocol: ndjson\n"))
        said = run(FISO_WASMER, "-config", directory.path / "apps.yaml", "-check").stderr.decode()
        self.assertIn("ndjson goes with `protocol: ndjson` only", said)
        self.assertIn("protocol has an effect with `execution: longRunning` only", said)


if __name__ == "__main__":
    main()
