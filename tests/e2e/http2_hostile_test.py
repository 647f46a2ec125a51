#!/usr/bin/env python3
"""Clients of HTTP/2 that mean harm, at fiso-link and at fiso-flow: what is no request goes nowhere, floods cost bounded memory, and those
who behave are all answered meanwhile."""
import contextlib

from floods import KIB, MIB, Good, Subject, link_subject, press
from harness import main, poll
from http2_peer import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY, RST_STREAM, SETTINGS,
                        WINDOW_UPDATE, Http2Peer, field, frame, head)
from link_harness import LinkCase

CANCEL = bytes([0, 0, 0, 8])
STREAMS = 20_000
QUESTIONS = 3_000_000  # of a connection that reads no answer; the kernel's buffers hold half a million of those

# What is wrong with a header section, whose path it is given. HTTP/1.1 would read more out of some of them than one request.
SECTIONS = {
    "a line end in a value": lambda path: head(path, more=[(b"x-a", b"b\r\nx-c: d")]),
    "a bare LF in a value": lambda path: head(path, more=[(b"x-a", b"b\nx-c: d")]),
    "a NUL in a value": lambda path: head(path, more=[(b"x-a", b"b\0c")]),
    "a line end in a name": lambda path: head(path, more=[(b"x-a: b\r\nx-c", b"d")]),
    "a colon in a name": lambda path: head(path, more=[(b"x:a", b"b")]),
    "a space in a name": lambda path: head(path, more=[(b"x a", b"b")]),
    "capitals in a name": lambda path: head(path, more=[(b"X-A", b"b")]),
    "an empty name": lambda path: head(path, more=[(b"", b"b")]),
    "transfer-encoding": lambda path: head(path, b"POST", [(b"transfer-encoding", b"chunked")]),
    "connection": lambda path: head(path, more=[(b"connection", b"close")]),
    "upgrade": lambda path: head(path, more=[(b"upgrade", b"websocket")]),
    "keep-alive": lambda path: head(path, more=[(b"keep-alive", b"1")]),
    "te": lambda path: head(path, more=[(b"te", b"gzip")]),
    "two lengths": lambda path: head(path, b"POST", [(b"content-length", b"5"), (b"content-length", b"6")]),
    "a length with a plus": lambda path: head(path, b"POST", [(b"content-length", b"+5")]),
    "a negative length": lambda path: head(path, b"POST", [(b"content-length", b"-5")]),
    "a list of lengths": lambda path: head(path, b"POST", [(b"content-length", b"5, 5")]),
    "a length longer than the body": lambda path: head(path, b"POST", [(b"content-length", b"6")]),
    "a length shorter than the body": lambda path: head(path, b"POST", [(b"content-length", b"4")]),
    "a request line in the path": lambda path: head(path + b" HTTP/1.1\r\nx-a: b\r\n\r\nGET /smuggled"),
    "a space in the path": lambda path: head(path + b" HTTP/1.1"),
    "a NUL in the path": lambda path: head(path + b"\0"),
    "a path without a slash": lambda path: head(path[1:]),
    "an empty path": lambda _: head(b""),
    "a URL as the path": lambda path: head(b"http://a" + path),
    "a request line in the method": lambda path: head(path, b"GET /smuggled HTTP/1.1\r\n\r\nGET"),
    "an empty method": lambda path: head(path, b""),
    "CONNECT": lambda path: head(path, b"CONNECT"),
    "a line end in the authority": lambda path: head(path, authority=b"a\r\nx-a: b"),
    "a user in the authority": lambda path: head(path, authority=b"u@a"),
    "another host": lambda path: head(path, more=[(b"host", b"b")]),
    "a path twice": lambda path: head(path, more=[(b":path", path)]),
    "a field in front": lambda path: field(b"x-a", b"b") + head(path),
    "no method": lambda path: field(b":path", path) + field(b":scheme", b"http") + field(b":authority", b"a"),
    "a status": lambda path: head(path, more=[(b":status", b"200")]),
    "an unknown pseudo-field": lambda path: head(path, more=[(b":smuggled", b"1")]),
}


class Http2Hostile(LinkCase):
    def flow_subject(self):
        return Subject(self.serve(), "/orders")

    def each_subject(self, check):
        for make in (lambda: link_subject(self), self.flow_subject):
            subject = make()
            with self.subTest(subject.path):
                check(subject)

    def refused(self, subject, block):
        """A section with a body of five bytes, and behind it a good one."""
        with Http2Peer(subject.port) as peer:
            self.assertIn(peer.outcome(peer.ask(block, b"hello")), ("reset", "gone", 400))
        with Http2Peer(subject.port) as peer:
            self.assertEqual(peer.outcome(peer.ask(head(subject.path.encode(), b"POST"), b"{}")), 200)


class Requests(Http2Hostile):
    def test_what_is_no_request_goes_nowhere(self):
        def check(subject):
            path = subject.path.replace("good", "bad").encode()
            for name, section in SECTIONS.items():
                with self.subTest(name):
                    self.refused(subject, section(path))
            if subject.upstream is None:
                self.assertEqual(subject.server.books()[:2], (len(SECTIONS), len(SECTIONS)))
                return
            self.assertEqual(subject.upstream.faults, [])
            self.assertEqual({asked.path for asked in subject.upstream.requests}, {"/good"})
            self.assertNotIn(b"smuggled", subject.upstream.received)
        self.each_subject(check)


class Floods(Http2Hostile):
    """Each flood comes over several connections; none of them reads."""

    CONNECTIONS = 4

    def flooded(self, flood, most=48 * MIB, settings=()):
        def check(subject):
            with Good(self, subject.server, subject.port, subject.path, most) as good, contextlib.ExitStack() as peers:
                for _ in range(self.CONNECTIONS):
                    flood(peers.enter_context(Http2Peer(subject.port, settings)), subject, good)
                good.wait()
        self.each_subject(check)

    def test_requests_that_are_given_up_at_once(self):
        def flood(peer, subject, _):
            block = head(subject.path.encode())
            for first in range(1, 2 * STREAMS, 200):
                if not peer.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, stream, block) + frame(RST_STREAM, 0, stream, CANCEL)
                                          for stream in range(first, first + 200, 2))):
                    return
            peer.wait_end()
        self.flooded(flood)

    def test_a_head_without_end(self):
        def flood(peer, subject, _):
            peer.send(frame(HEADERS, 0, 1, head(subject.path.encode())))
            while peer.send(frame(CONTINUATION, 0, 1, field(b"x-a", b"b" * 100) * 100) * 10):
                pass
        self.flooded(flood)

    def test_a_head_without_end_in_empty_frames(self):
        def flood(peer, subject, _):
            peer.send(frame(HEADERS, 0, 1, head(subject.path.encode())))
            while peer.send(frame(CONTINUATION, 0, 1) * 1000):
                pass
        self.flooded(flood)

    def test_heads_that_grow_on_unpacking(self):
        """To 48 MB at once, or to 400 kB again and again."""
        for references, count in ((12_000, 1), (100, STREAMS)):
            def flood(peer, subject, _, references=references, count=count):
                block = head(subject.path.encode())
                peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block + field(b"a", b"v" * 4000, kept=True)))
                block += b"\xbe" * references  # number 62 is that field
                for stream in range(3, 3 + 2 * count, 2):
                    if not peer.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block)):
                        return
                peer.wait_end()
            with self.subTest(references):
                self.flooded(flood)

    def test_questions_whose_answers_nobody_reads(self):
        for name, question in {"ping": frame(PING, 0, 0, b"p" * 8), "settings": frame(SETTINGS, 0, 0),
                               "settings that say much": frame(SETTINGS, 0, 0, bytes([0, 4, 0, 0, 255, 255]) * 4)}.items():
            with self.subTest(name):
                count = 64 * KIB // len(question)
                self.flooded(lambda peer, _, good, data=question * count: self.assertLess(
                    press(peer, data, QUESTIONS // count, good), QUESTIONS // count * len(data)))

    def test_frames_that_say_nothing(self):
        def flood(peer, subject, good):
            stream = peer.ask(head(subject.path.encode(), b"POST"), body=b"{}")
            nothing = frame(PRIORITY, 0, stream, bytes(5)) + frame(WINDOW_UPDATE, 0, 0, bytes([0, 0, 0, 1])) + frame(0x42, 0, 0, b"unknown")
            press(peer, nothing * 1000, 100, good)
        self.flooded(flood)

    def test_empty_pieces_of_a_body(self):
        def flood(peer, subject, good):
            peer.send(frame(HEADERS, END_HEADERS, 1, head(subject.path.encode(), b"POST")))
            press(peer, frame(DATA, 0, 1) * 5000, 20, good)
        self.flooded(flood)

    def test_bodies_that_are_never_finished(self):
        def flood(peer, subject, good):
            for stream in range(1, 200, 2):
                peer.send(frame(HEADERS, END_HEADERS, stream, head(subject.path.encode(), b"POST")) + frame(DATA, 0, stream, bytes(8 * KIB)))
            good.wait()
        self.flooded(flood)

    def test_answers_that_nobody_takes(self):
        """No window is ever open: of 400 answers of a megabyte each, those of a link hold little more than what a read gave them."""
        def asked(subject):
            return len([one for one in subject.upstream.requests if one.path != "/good"])

        def flood(peer, subject, good):
            path = subject.path.replace("good", "big/1048576").encode()
            before = asked(subject) if subject.upstream else 0
            for _ in range(100):
                peer.ask(head(path, b"POST"), b"{}")
            if subject.upstream:
                poll("all are asked for", lambda: asked(subject) == before + 100)
            good.wait()
        self.flooded(flood, 96 * MIB, [(INITIAL_WINDOW_SIZE, 0)])


if __name__ == "__main__":
    main()
