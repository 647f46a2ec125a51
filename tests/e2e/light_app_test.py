#!/usr/bin/env python3
"""longRunning apps on the light engine: guests that accept from the listener they are given, inside the process."""
import concurrent.futures
import os
import unittest

from harness import ANY_PORT, TestCase, descendants, get, main, missing_guests, poll, post, request
from wasmer_standalone_test import Apps, app_yaml

LIVES_ON = "    runtime: wazero\n    execution: longRunning\n"
BODY = os.urandom(3_000_000)


class LightApps(TestCase):
    def apps(self, *apps, settings=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + settings)
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def live(self, module="accept_server", more="", memory=64):
        apps = self.apps(app_yaml("counter", f"{LIVES_ON}    memoryMB: {memory}\n{more}", module))
        return apps, apps.port("counter")

    def counts(self, port, requests):
        return [get(port, "/").json()["count"] for _ in range(requests)]

    def at_once(self, calls):
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return [running.result() for running in [pool.submit(call) for call in calls]]


class InC(LightApps):
    def test_it_keeps_its_state_and_stops_when_it_is_told_to(self):
        apps, port = self.live(more="    healthCheck: /health\n    env: {COLOUR: green}\n")
        self.assertEqual(self.counts(port, 3), [1, 2, 3])
        self.assertEqual(get(port, "/env/COLOUR").text, "green")
        self.assertEqual(get(port, "/env/LISTEN_FDS").text, "1")
        self.assertEqual(get(port, "/env/PORT").text, str(port))
        self.assertEqual(post(port, "/echo", {"n": 1}).json(), {"n": 1})
        self.assertEqual(apps.admin("/apps").json()[0]["state"], "healthy")
        self.assertIn('fiso_app_mode{app="counter",declared="longRunning",effective="longRunning"} 1', apps.admin("/metrics").text)
        self.assertIn("accepting on descriptor 3", [entry["text"] for entry in apps.log("app stderr")])
        self.assertFalse(descendants(apps.process.pid))
        self.assertEqual(apps.stop(), 0)
        self.assertEqual(apps.lines[-2:], ["Shutting down...", "Stopped"])

    def test_the_listener_lies_behind_the_preopens(self):
        directory = self.directory()
        apps, port = self.live(more=f"    preopens: {{/a: {directory.path}, /b: '{directory.path}:ro'}}\n")
        self.assertEqual(self.counts(port, 2), [1, 2])
        self.assertIn("accepting on descriptor 5", [entry["text"] for entry in apps.log("app stderr")])
        self.assertEqual(apps.stop(), 0)

    def test_requests_at_once_are_all_answered(self):
        apps, port = self.live()
        answers = self.at_once([lambda: get(port, "/").json()["count"]] * 16)
        self.assertEqual(sorted(answers), list(range(1, 17)))
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_ends_is_started_again(self):
        apps, port = self.live()
        self.assertEqual(self.counts(port, 1), [1])
        for path in ("/exit/3", "/trap", "/exit/0"):
            self.assertEqual(get(port, path).status, 502)
            poll("another guest", lambda: get(port, "/health").status == 200)
            self.assertEqual(self.counts(port, 1), [1])
        reasons = [entry["reason"] for entry in apps.log("app guest restarts")]
        self.assertEqual(reasons, ["module closed with exit_code(3)", "wasm trap: unreachable", "it left with 0"])
        self.assertEqual(apps.admin("/apps").json()[0]["restarts"], 3)
        self.assertEqual(apps.stop(), 0)

    def test_a_request_over_its_time_leaves_the_guest_running(self):
        apps, port = self.live(more="    timeout: 300ms\n    unhealthyThreshold: 100\n")
        self.assertEqual(self.counts(port, 1), [1])
        late = get(port, "/slow/600")
        self.assertEqual((late.status, late.text), (504, "wasm execution timeout after 300ms\n"))
        poll("it answers again", lambda: get(port, "/health").status == 200)
        self.assertEqual(self.counts(port, 1), [3])  # the late one was counted
        self.assertEqual(apps.log("app guest restarts"), [])
        self.assertEqual(apps.stop(), 0)

    def test_an_endless_loop_holds_up_no_other_app_and_is_replaced(self):
        apps = self.apps(app_yaml("loops", f"{LIVES_ON}    timeout: 2s\n    unhealthyThreshold: 1\n", "accept_server"),
                         app_yaml("counts", LIVES_ON, "accept_server"),
                         app_yaml("fresh", "    runtime: wazero\n"))
        loops, counts, fresh = (apps.port(name) for name in ("loops", "counts", "fresh"))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            looping = pool.submit(get, loops, "/loop")
            answered = 0
            while not looping.done():
                answered += 1
                self.assertEqual(self.counts(counts, 1), [answered])
                self.assertEqual(get(fresh, "/hello").status, 200)
            self.assertEqual(looping.result().status, 504)
        self.assertGreater(answered, 1)
        poll("another guest", lambda: apps.log("app guest restarts") and get(loops, "/").status == 200)
        self.assertEqual(self.counts(counts, 1), [answered + 1])
        self.assertEqual(apps.stop(), 0)

    def test_an_endless_loop_is_stopped_with_the_process(self):
        apps = self.apps(app_yaml("loops", f"{LIVES_ON}    timeout: 100ms\n    unhealthyThreshold: 100\n", "accept_server"),
                         settings="shutdownTimeout: 100ms\n")
        self.assertEqual(get(apps.port("loops"), "/loop").status, 504)
        apps.stop()
        poll("it says so", lambda: apps.lines[-1:] == ["Stopped"])

    def test_its_memory_is_bounded(self):
        apps, port = self.live()
        mebibytes = get(port, "/fill").json()["mebibytes"]
        self.assertTrue(50 < mebibytes < 64, mebibytes)
        self.assertEqual(apps.stop(), 0)

    def test_a_module_that_answers_once_is_served_per_request(self):
        for module in [name for name in ("hello_app", "server_go") if not missing_guests(name)]:
            apps, port = self.live(module, memory=128)
            # From the first answer on, and all the same whether several come at once meanwhile.
            for answer in self.at_once([lambda: post(port, "/echo", {"n": 1})] * 4) + [post(port, "/echo", {"n": 1})]:
                self.assertEqual((answer.status, answer.json()["received"]), (200, {"n": 1}), module)
            self.assertEqual(get(port, "/health").status, 200, module)
            [told] = apps.log("app answers once, its guest runs once per request")
            self.assertEqual((told["level"], told["effective"]), ("WARN", "perRequest"))
            self.assertEqual(apps.log("app guest restarts"), [], module)
            self.assertEqual(apps.stop(), 0, module)


@unittest.skipIf(missing_guests("http_go"), "built without Go guests")
class InGo(LightApps):
    def live_go(self, more=""):
        return self.live("http_go", more, memory=128)

    def test_net_http_serves_and_keeps_its_state(self):
        apps, port = self.live_go()
        self.assertEqual(self.counts(port, 3), [1, 2, 3])
        self.assertEqual(request(port, "POST", "/echo", BODY).body, BODY)
        self.assertIn("serving on descriptor 3", [entry["text"] for entry in apps.log("app stderr")])
        self.assertEqual(apps.stop(), 0)

    def test_requests_are_served_at_the_same_time(self):
        apps, port = self.live_go()
        answers = self.at_once([lambda: get(port, "/meet/24").json()["count"]] * 24)
        self.assertEqual(sorted(answers), list(range(1, 25)))
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_ends_is_started_again(self):
        apps, port = self.live_go()
        self.assertEqual(get(port, "/exit/7").status, 502)
        poll("another guest", lambda: get(port, "/health").status == 200)
        poll("the reason", lambda: [entry["reason"] for entry in apps.log("app guest restarts")] == ["module closed with exit_code(7)"])
        self.assertEqual(apps.stop(), 0)

    def test_a_request_over_its_time_leaves_the_guest_running(self):
        apps, port = self.live_go("    timeout: 300ms\n")
        self.assertEqual(get(port, "/meet/2").status, 504)  # nobody comes
        self.assertEqual(self.counts(port, 2), [1, 2])
        self.assertEqual(apps.log("app guest restarts"), [])
        self.assertEqual(apps.stop(), 0)

    def test_what_is_under_way_is_finished_at_a_stop(self):
        apps, port = self.live_go()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(get, port, "/slow/500")
            poll("it is under way", lambda: "taking its time" in [entry["text"] for entry in apps.log("app stderr")])
            self.assertEqual(apps.stop(), 0)
            self.assertEqual((waiting.result().status, waiting.result().json()), (200, {"count": 1}))


if __name__ == "__main__":
    main()
