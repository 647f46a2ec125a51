#!/usr/bin/env python3
"""Thousands of requests whose bodies are all different, through fiso-link to a target that answers early, late, short, long, twice, with
garbage, or not at all: each answer that comes whole is the one of its own request."""
import random
import threading

from harness import main, repeats
from link_harness import LinkCase
from raw_peers import RawClient, Upstream, echo

REQUESTS = repeats(2_000, 100_000)
CLIENTS = 8
# So that bodies are kept, and what meets a connection that was just closed goes out on another one, whatever is left of the budget.
TWICE = "    retry: {maxAttempts: 2, initialInterval: 1ms}\n"
AT_MOST = 4  # requests sent before the first answer is read
PER_CONNECTION = 40


def whole(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def early(asked):
    """The answer goes out before the body was looked at; the request says it in a field as well."""
    asked.send(whole(asked.headers["x-body"].encode()))


def twice(asked):
    asked.send(whole(asked.body()) * 2)


def longer(asked):
    asked.send(whole(asked.body()) + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")


def shorter(asked):
    asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + asked.body())
    return True


def cut_chunks(asked):
    body = asked.body()
    asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(body), body))
    return True


def garbage(asked):
    asked.body()
    asked.send(b"\x16\x03\x01 garbage\r\n\r\n" + whole(b"forged"))


def both_lengths(asked):
    body = asked.body()
    asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s" % (len(body), body))


def interim(asked):
    asked.send(b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" * 3 + whole(asked.body()))


def interim_flood(asked):
    asked.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100 + whole(asked.body()))


def half_a_head(asked):
    asked.body()
    asked.send(b"HTTP/1.1 200 OK\r\nContent-")
    return True


def close_behind(asked):
    """A good answer, and no word that the connection ends with it."""
    asked.send(whole(asked.body()))
    return True


def reset(asked):
    asked.body()
    asked.reset()
    return True


def late(asked):
    """Once the caller has given up."""
    body = asked.body()
    asked.wait_closed()
    asked.send(whole(body))
    return True


GOOD = ("good", "early", "twice", "longer", "interim", "close_behind")  # whose answers are whole
BAD = ("shorter", "cut_chunks", "garbage", "both_lengths", "interim_flood", "half_a_head", "reset")
SCRIPTS = {"good": echo, **{name: globals()[name] for name in (*GOOD[1:], *BAD, "late")}}


class Client:
    """Asks, several times before it reads, and looks at what it was answered."""

    def __init__(self, port, number, count, kinds, target="api"):
        self._port, self._number, self._left, self._kinds, self._target = port, number, count, kinds, target
        self._random = random.Random(number)
        self.outcomes = {}
        self.wrong = []

    def run(self):
        while self._left > 0:
            with RawClient(self._port) as connection:
                for _ in range(PER_CONNECTION):
                    if not self._burst(connection):
                        break

    def _burst(self, connection):
        """Is the connection good for more?"""
        asked = [self._request() for _ in range(self._random.randint(1, AT_MOST))]
        connection.send(b"".join(request for _, _, request in asked))
        for kind, body, _ in asked:
            reply = connection.reply()
            outcome = "ended" if reply is None else "cut" if not reply.whole else reply.status
            self.outcomes[kind, outcome] = self.outcomes.get((kind, outcome), 0) + 1
            if outcome == 200 and reply.body != body:
                self.wrong.append((kind, body, reply))
            if outcome in ("ended", "cut"):
                return False
        return self._left > 0

    def _request(self):
        self._left -= 1
        kind = self._random.choice(self._kinds)
        body = b"%d-%d-%s" % (self._number, self._left, b"x" * self._random.randint(0, 2000))
        return kind, body, (b"PUT /link/%s/%s HTTP/1.1\r\nHost: a\r\nX-Body: %s\r\nContent-Length: %d\r\n\r\n%s" %
                            (self._target.encode(), kind.encode(), body, len(body), body))


class Answers(LinkCase):
    def ask(self, clients):
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcomes = {}
        for client in clients:
            self.assertEqual(client.wrong, [])
            for key, count in client.outcomes.items():
                outcomes[key] = outcomes.get(key, 0) + count
        return outcomes

    def test_each_answer_is_that_of_its_request(self):
        upstream = self.closing(Upstream(lambda asked: SCRIPTS[asked.path[1:]](asked)))
        late_target = "  - {name: late, protocol: http, host: 127.0.0.1, port: %d, timeout: 200ms, retry: {maxAttempts: 1}}\n" % upstream.port
        link = self.link(("api", upstream.port, TWICE + late_target))
        each = -(-REQUESTS // (CLIENTS - 1))
        behaved = [Client(link.port(), number, each, ["good"]) for number in range(2)]
        mixed = [Client(link.port(), number, each, GOOD + BAD) for number in range(2, CLIENTS - 1)]
        slow = Client(link.port(), CLIENTS, min(each, 200), ["good"] * 15 + ["late"], "late")
        outcomes = self.ask([*behaved, *mixed, slow])
        self.assertEqual(upstream.faults, [])
        for (kind, outcome), count in outcomes.items():
            if kind in GOOD:
                self.assertIn(outcome, (200, "ended"), (kind, count))
            elif kind in BAD:
                self.assertIn(outcome, (502, "cut", "ended"), (kind, count))
        self.assertEqual({outcome for (kind, outcome) in outcomes if kind == "late"} - {"ended"}, {504})
        self.assertGreaterEqual(outcomes["good", 200], 2 * each)
        self.assertTrue(all((kind, 200) in outcomes for kind in GOOD), outcomes)
        for client in behaved:
            self.assertEqual(set(client.outcomes), {("good", 200)})
        self.assertLess(len(upstream.readers), sum(outcomes.values()))  # connections were used again
        self.assert_stops(link)


if __name__ == "__main__":
    main()
