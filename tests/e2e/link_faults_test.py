#!/usr/bin/env python3
"""fiso-link calls a target through a proxy that spoils connections: what is tried again and how often, and when the breaker lets
nothing through. Only counts and outcomes are looked at: connections are attempts, since the target closes each."""
import sys
import threading
import time

from harness import SOURCE, get, main, poll, request, run
from link_harness import LinkCase
from raw_peers import RawClient, Upstream

sys.path.insert(0, str(SOURCE / "tests/faultproxy"))
from fault_proxy import FaultProxy, Faults, Leg

ATTEMPTS = 3
BODY = b"hello" * 1000
# Before anything of the answer could pass: as many attempts as there may be.
BEFORE_THE_ANSWER = {
    "a reset at once": Faults(up=Leg(reset=0)),
    "a cut at once": Faults(up=Leg(cut=0)),
    "a reset in the request": Faults(up=Leg(reset=20)),
    "a cut in the request": Faults(up=Leg(cut=20)),
    "a reset before the answer": Faults(down=Leg(reset=0)),
    "a cut before the answer": Faults(down=Leg(cut=0)),
    "the answer is over before it began": Faults(down=Leg(half_close=0)),
    "a cut in the answer's head": Faults(down=Leg(cut=30)),
    "a reset in the answer's head": Faults(down=Leg(reset=30)),
    "the answer is over in its head": Faults(down=Leg(half_close=30)),
    "an answer of garbage": Faults(down=Leg(garbage=0)),
    "garbage in the answer's head": Faults(down=Leg(garbage=17)),
}
IN_THE_ANSWER = {
    "cut": Faults(down=Leg(cut=1000)),
    "reset": Faults(down=Leg(reset=1000)),
    "half close": Faults(down=Leg(half_close=1000)),
}
SILENT = {
    "no answer": Faults(down=Leg(stall=0)),
    "in the answer's head": Faults(down=Leg(stall=20)),
    "in the request": Faults(up=Leg(stall=10)),
}
SLOW = {
    "latency": Faults(up=Leg(latency=0.02), down=Leg(latency=0.02)),
    "jitter": Faults(up=Leg(jitter=0.03), down=Leg(jitter=0.03)),
    "slow bytes": Faults(up=Leg(rate=40_000), down=Leg(rate=40_000)),
    "small pieces": Faults(up=Leg(slice=7), down=Leg(slice=7)),
}


def first(faults, count):
    """The first connections have them."""
    return lambda number: faults if number < count else Faults()


def answer(asked):
    """Closes, so that each attempt is a connection."""
    asked.body()
    status = int(asked.headers.get("x-status", "200"))
    asked.answer(BODY, status, b"Connection: close\r\n" + (b"Retry-After: 3600\r\n" if "x-wait" in asked.headers else b""))
    return True


class FaultCase(LinkCase):
    def setUp(self):
        self.upstream = self.closing(Upstream(answer))

    def proxied(self, keys, faults=None):
        """A link whose target is behind a proxy."""
        self.proxy = self.closing(FaultProxy(self.upstream.port, faults=faults))
        return self.link(("api", self.proxy.port, keys))


class Retries(FaultCase):
    KEYS = f"    retry: {{maxAttempts: {ATTEMPTS}, initialInterval: 1ms, jitter: 0}}\n"

    def outcome(self, faults, method="GET", headers=None, body=None):
        with_faults = self.proxied(self.KEYS, faults)
        told = request(with_faults.port(), method, "/link/api/", body, headers)
        return told.status, self.proxy.connections

    def test_what_may_be_acted_upon_twice_is_asked_for_again(self):
        for name, faults in BEFORE_THE_ANSWER.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(first(faults, ATTEMPTS - 1)), (200, ATTEMPTS))
                self.assertEqual(self.outcome(first(faults, ATTEMPTS)), (502, ATTEMPTS))

    def test_what_may_not_is_asked_for_once(self):
        for name, faults in BEFORE_THE_ANSWER.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(first(faults, 1), "POST", body=b"x"), (502, 1))
                self.assertEqual(self.outcome(first(faults, 1), "POST", {"Idempotency-Key": "k"}, b"x"), (200, 2))

    def test_an_answer_that_has_begun_is_not_asked_for_again_and_does_not_look_complete(self):
        for name, faults in IN_THE_ANSWER.items():
            with self.subTest(name):
                link = self.proxied(self.KEYS, faults)
                with RawClient(link.port()) as caller:
                    caller.send(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
                    reply = caller.reply()
                self.assertEqual((reply.status, reply.whole, self.proxy.connections), (200, False, 1))

    def test_what_is_only_slow_is_asked_for_once(self):
        for name, faults in SLOW.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(faults, "PUT", body=b"y" * 1000), (200, 1))
        self.assertEqual([asked.body() for asked in self.upstream.requests], [b"y" * 1000] * len(SLOW))

    def test_what_is_silent_uses_up_the_time_of_all_attempts(self):
        for name, faults in SILENT.items():
            with self.subTest(name):
                link = self.proxied("    timeout: 500ms\n" + self.KEYS, faults)
                self.assertEqual((get(link.port(), "/link/api/").status, self.proxy.connections), (504, 1))

    def test_no_pause_is_shorter_than_the_target_asks_for(self):
        link = self.proxied("    timeout: 20s\n" + self.KEYS)
        told = request(link.port(), "GET", "/link/api/", headers={"X-Status": "503", "X-Wait": "1"})
        self.assertEqual((told.status, told.body, self.proxy.connections), (503, BODY, 1))  # an hour is more than there is
        told = request(link.port(), "GET", "/link/api/", headers={"X-Status": "503"})
        self.assertEqual((told.status, self.proxy.connections), (503, 1 + ATTEMPTS))

    def test_a_target_that_is_down_is_asked_hardly_more_often_than_there_are_requests(self):
        began = time.monotonic()
        link = self.proxied(self.KEYS, Faults(up=Leg(reset=0)))
        count = 300
        threads = [threading.Thread(target=lambda: [get(link.port(), "/link/api/") for _ in range(count // 6)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        retries = self.proxy.connections - count
        self.assertEqual(link.metric("fiso_link_retries_total", target="api"), retries)
        # A fifth of them, ten a second, and the ten that a target begins with.
        self.assertLessEqual(retries, count / 5 + 10 * (time.monotonic() - began) + 10)
        self.assertGreaterEqual(retries, 10)


class Breakers(FaultCase):
    ONCE = "    retry: {maxAttempts: 1}\n"
    SPOILT = Faults(down=Leg(reset=0))

    def breaker(self, faults=None, threshold=3, reset="1h", more=ONCE, good=1):
        return self.proxied(f"    circuitBreaker: {{enabled: true, failureThreshold: {threshold}, successThreshold: {good}, "
                            f"resetTimeout: {reset}}}\n" + more, faults)

    def statuses(self, link, count):
        return [get(link.port(), "/link/api/").status for _ in range(count)]

    def test_failures_in_a_row_open_it_and_then_nobody_is_asked(self):
        for name, faults in BEFORE_THE_ANSWER.items():
            with self.subTest(name):
                link = self.breaker(faults)
                self.assertEqual((self.statuses(link, 5), self.proxy.connections), ([502] * 3 + [503] * 2, 3))
                self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 2)

    def test_a_good_call_between_them_begins_the_count_anew(self):
        link = self.breaker(lambda number: Faults() if number in (2, 5) else self.SPOILT)
        self.assertEqual(self.statuses(link, 10), [502, 502, 200, 502, 502, 200, 502, 502, 502, 503])
        self.assertEqual(self.proxy.connections, 9)

    def test_silence_counts(self):
        link = self.breaker(Faults(down=Leg(stall=0)), threshold=2, more="    timeout: 300ms\n" + self.ONCE)
        self.assertEqual((self.statuses(link, 3), self.proxy.connections), ([504, 504, 503], 2))

    def test_an_answer_that_breaks_off_counts(self):
        link = self.breaker(Faults(down=Leg(cut=1000)), threshold=2)
        for _ in range(2):
            with RawClient(link.port()) as caller:
                caller.send(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertFalse(caller.reply().whole)
        poll("it is open", lambda: link.metric("fiso_link_circuit_state", target="api") == 2)
        self.assertEqual((self.statuses(link, 2), self.proxy.connections), ([503, 503], 2))

    def test_a_call_counts_once_however_often_it_was_tried(self):
        link = self.breaker(self.SPOILT, threshold=2, more=Retries.KEYS)
        self.assertEqual((self.statuses(link, 3), self.proxy.connections), ([502, 502, 503], 2 * ATTEMPTS))

    def test_one_call_at_a_time_finds_out_whether_the_target_is_well(self):
        link = self.breaker(first(self.SPOILT, 3), reset="200ms", good=2)
        self.assertEqual(self.statuses(link, 3), [502] * 3)
        answers = threading.Event()

        def held(asked):
            answers.wait(60)
            return answer(asked)
        self.upstream.script = held
        probes = []
        poll("it is half-open", lambda: link.metric("fiso_link_circuit_state", target="api") == 1)
        probe = threading.Thread(target=lambda: probes.extend(self.statuses(link, 1)))
        probe.start()
        poll("it is asked", lambda: self.proxy.connections == 4)
        self.assertEqual((self.statuses(link, 8), self.proxy.connections), ([503] * 8, 4))
        answers.set()
        probe.join()
        self.assertEqual((probes, link.metric("fiso_link_circuit_state", target="api")), ([200], 1))
        self.assertEqual(self.statuses(link, 5), [200] * 5)
        self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 0)

    def test_a_target_that_stays_down_is_asked_once_in_each_time(self):
        began = time.monotonic()
        link = self.breaker(self.SPOILT, reset="100ms")
        while self.proxy.connections < 6:
            self.statuses(link, 20)
        self.assertLessEqual(self.proxy.connections, 3 + 1 + (time.monotonic() - began) / 0.1)


class Proxy(FaultCase):
    def test_by_hand_it_says_what_it_can_do(self):
        program = SOURCE / "tests/faultproxy/fault_proxy.py"
        done = run(sys.executable, "-B", program, "--help")
        self.assertEqual(done.returncode, 0)
        for word in ("latency", "jitter", "rate", "slice", "cut", "reset", "half_close", "stall", "garbage"):
            self.assertIn(word, done.stdout.decode())
        self.assertEqual(run(sys.executable, "-B", program, "--to", "127.0.0.1:1", "--down", "flood=1").returncode, 2)


if __name__ == "__main__":
    main()
