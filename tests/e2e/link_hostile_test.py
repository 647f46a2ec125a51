#!/usr/bin/env python3
"""Callers and targets of fiso-link that mean harm by the bytes they send: what could be read in two ways is refused and goes nowhere,
and no answer reaches a request that it does not belong to."""
from harness import main, poll
from link_harness import LinkCase
from raw_peers import RawClient, Upstream, echo

ONCE = "    retry: {maxAttempts: 1}\n"
GOOD = b"PUT /link/api/good HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ngood"
SMUGGLED = b"GET /link/api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def fields(lines, body=b"", method=b"POST"):
    return method + b" /link/api/bad HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n" + body


def chunks(body):
    return fields(b"Transfer-Encoding: chunked\r\n", body)


# Each as it arrives, and its status where that is not 400.
FAMILIES = {
    "bare LF behind the request line": b"GET /link/api/bad HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF behind a field": fields(b"X-A: b\nX-C: d\r\n"),
    "bare LF ends the head": b"GET /link/api/bad HTTP/1.1\r\nHost: a\r\n\n",
    "bare CR behind a field": fields(b"X-A: b\rX-C: d\r\n"),
    "bare CR in a name": fields(b"X\r-A: b\r\n"),
    "CR CR LF": fields(b"X-A: b\r\r\n"),
    "NUL in a value": fields(b"X-A: b\0c\r\n"),
    "NUL in a name": fields(b"X\0A: b\r\n"),
    "NUL in the target": b"GET /link/api/b\0ad HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in a value": fields(b"X-A: b\x01\r\n"),
    "a folded field": fields(b"X-A: b\r\n c\r\n"),
    "a folded length": fields(b"Content-Length:\r\n 5\r\n", b"hello"),
    "a folded coding": fields(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "folded by a tab": fields(b"X-A: b\r\n\tTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "the first field is folded": b"GET /link/api/bad HTTP/1.1\r\n Host: a\r\n\r\n",
    "a space before the colon": fields(b"Content-Length : 5\r\n", b"hello"),
    "a tab before the colon": fields(b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n"),
    "no colon": fields(b"X-A\r\n"),
    "an empty name": fields(b": b\r\n"),
    "white space in front": b" GET /link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "an empty line in front": b"\r\nGET /link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length with a plus": fields(b"Content-Length: +5\r\n", b"hello"),
    "a negative length": fields(b"Content-Length: -5\r\n", b"hello"),
    "an empty length": fields(b"Content-Length: \r\n", b"hello"),
    "a hexadecimal length": fields(b"Content-Length: 0x5\r\n", b"hello"),
    "a length with a space": fields(b"Content-Length: 5 5\r\n", b"hello"),
    "a list of lengths": fields(b"Content-Length: 5, 5\r\n", b"hello"),
    "a length with a dot": fields(b"Content-Length: 5.0\r\n", b"hello"),
    "two equal lengths": fields(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "two lengths": fields(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
    "a length that overflows": fields(b"Content-Length: 18446744073709551621\r\n", b"hello"),
    "a length and chunks": fields(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks and a length": fields(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "a length and no coding": fields(b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n", b"hello"),
    "another coding": fields(b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n"),
    "a coding before chunks": fields(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "a coding behind chunks": fields(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "chunks twice": fields(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "two codings": fields(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "almost chunked": fields(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "chunked in quotes": fields(b"Transfer-Encoding: \"chunked\"\r\n", b"0\r\n\r\n"),
    "chunked behind a vertical tab": fields(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "chunked with a parameter": fields(b"Transfer-Encoding: chunked;a=b\r\n", b"0\r\n\r\n"),
    "an empty coding": fields(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"),
    "chunks in HTTP/1.0": b"POST /link/api/bad HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size is no number": chunks(b"g\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size with a plus": chunks(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk": chunks(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size with 0x": chunks(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size with a space": chunks(b"5 \r\nhello\r\n0\r\n\r\n"),
    "a space before a chunk's size": chunks(b" 5\r\nhello\r\n0\r\n\r\n"),
    "an empty chunk size": chunks(b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size that overflows": chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a bare LF behind a chunk's size": chunks(b"5\nhello\r\n0\r\n\r\n"),
    "a chunk without its line end": chunks(b"5\r\nhello0\r\n\r\n"),
    "a bare LF behind a chunk": chunks(b"5\r\nhello\n0\r\n\r\n"),
    "a bare CR behind a chunk": chunks(b"5\r\nhello\r0\r\n\r\n"),
    "a chunk that is longer than it says": chunks(b"4\r\nhello\r\n0\r\n\r\n"),
    "a bare LF in an extension": chunks(b"5;a\nhello\r\n0\r\n\r\n"),
    "a control character in an extension": chunks(b"5;a\x01\r\nhello\r\n0\r\n\r\n"),
    "bare LFs behind the last chunk": chunks(b"0\n\n"),
    "a bad chunk behind a good one": chunks(b"5\r\nhello\r\nzz\r\n"),
    "a bad trailer": chunks(b"5\r\nhello\r\n0\r\nX A: b\r\n\r\n"),
    "a folded trailer": chunks(b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
    "no host": b"GET /link/api/bad HTTP/1.1\r\n\r\n",
    "two hosts": fields(b"Host: b\r\n"),
    "a host with a path": b"GET /link/api/bad HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a user": b"GET /link/api/bad HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a URL of another scheme": b"GET ftp://a/link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL without a host": b"GET http:///link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /link/api/bad#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /link/api/b ad HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line end in the target": b"GET /link/api/bad\r\nX: HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the request line": b"GET\t/link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "a small method": b"get /link/api/bad HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /link/api/bad\r\nHost: a\r\n\r\n",
    "another protocol": b"GET /link/api/bad ICE/1.0\r\nHost: a\r\n\r\n",
    "an old version": (b"GET /link/api/bad HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    "a new version": (b"GET /link/api/bad HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "an expectation": (fields(b"Expect: tea\r\n"), 417),
    "a long field": (fields(b"X-A: " + b"a" * 70_000 + b"\r\n"), 431),
    "many fields": (fields(b"".join(b"X-%d: 1\r\n" % number for number in range(300))), 431),
    "chunks with long extensions": (chunks(b"1;" + b"a" * 70_000 + b"\r\nx\r\n0\r\n\r\n"), 431),
    "a long trailer": (chunks(b"0\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n"), 431),
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


class Callers(LinkCase):
    """A body may have begun to stream when it turns out bad: then its request is cut, and what followed is never taken for one."""

    def setUp(self):
        self.upstream = self.closing(Upstream())
        self.link_port = self.link(("api", self.upstream.port, ONCE)).port()

    def refused(self, before, bad, status):
        with RawClient(self.link_port) as caller:
            caller.send(before + bad + SMUGGLED)
            replies = caller.replies()
        self.assertEqual([reply.status for reply in replies], [200] * bool(before) + [status], replies)
        self.assertTrue(all(reply.whole for reply in replies), replies)
        self.assertEqual(replies[-1].headers["connection"], "close")
        if before:
            self.assertEqual(replies[0].body, b"good")

    def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_ends(self):
        for name, case in FAMILIES.items():
            bad, status = case if isinstance(case, tuple) else (case, 400)
            # A body that may be sent again is read before anything goes out, another one passes as it comes.
            for method in (b"POST", b"PUT"):
                bad = bad.replace(b"POST", method, 1)
                for before in (b"", GOOD):
                    with self.subTest(name, method=method, alone=not before):
                        self.refused(before, bad, status)
        self.assertEqual(self.upstream.faults, [])
        self.assertEqual({asked.path for asked in self.upstream.requests}, {"/good"})
        self.assertNotIn(b"smuggled", self.upstream.received)

    def test_a_body_that_turns_bad_on_its_way_cuts_its_request(self):
        for bad in (b"zz\r\n", b"-1\r\n", b"0\r\nX A: b\r\n\r\n", b"5\r\nhello0\r\n\r\n"):
            count = len(self.upstream.readers)
            with self.subTest(bad), RawClient(self.link_port) as caller:
                caller.send(chunks(b"5\r\nhello\r\n"))
                poll("it streams", lambda: len(self.upstream.readers) > count and b"hello" in self.upstream.readers[-1].data)
                caller.send(bad + SMUGGLED)
                self.assertEqual([reply.status for reply in caller.replies()], [400])
                poll("its connection ends", lambda: self.upstream.readers[-1].ended)
        self.assertEqual((self.upstream.faults, self.upstream.requests), ([], []))
        self.assertNotIn(b"smuggled", self.upstream.received)

    def test_what_is_forwarded_is_written_anew(self):
        odd = fields(b"tRANSFER-eNCODING:  Chunked \r\nX-Odd:   a\tb  \r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 1\r\n"
                     b"Proxy-Connection: keep-alive\r\nTE: trailers, deflate\r\n", b"005;x=\"y\"\r\nhello\r\n0000\r\nX-Trailer: 1\r\n\r\n")
        with RawClient(self.link_port) as caller:
            caller.send(odd)
            self.assertEqual([(reply.status, reply.body) for reply in caller.replies()], [(200, b"hello")])
        asked, = self.upstream.requests
        self.assertEqual(self.upstream.faults, [])
        self.assertEqual((asked.headers["transfer-encoding"], asked.headers["x-odd"]), ("chunked", "a\tb"))
        self.assertFalse({"x-hop", "keep-alive", "proxy-connection", "content-length"} & asked.headers.keys(), asked.headers)

    def test_a_caller_that_leaves_in_the_middle_has_asked_for_nothing(self):
        for method in (b"POST", b"PUT"):
            whole = fields(b"Content-Length: 10\r\n", b"0123456789", method)
            for length in range(1, len(whole), 5):
                with RawClient(self.link_port) as caller:
                    caller.send(whole[:length])
        with RawClient(self.link_port) as caller:
            caller.send(GOOD)
            self.assertEqual(caller.reply().body, b"good")
        self.assertEqual({asked.path for asked in self.upstream.requests}, {"/good"})


def says(*parts, ends=True):
    """A script that sends the parts once the request is there, whatever that was."""
    def script(asked):
        asked.body()
        if asked.path == "/good":
            return echo(asked)
        for part in parts:
            asked.send(part)
        return ends
    return script


def head(lines=b"", status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + lines + b"\r\n"


CUT = 0  # the answer had begun, and is not made to look complete
ANSWERS = {
    "garbage": (says(b"garbage\r\n\r\n"), 502),
    "nothing": (says(), 502),
    "half a head": (says(b"HTTP/1.1 200 OK\r\nContent-Le"), 502),
    "another protocol": (says(b"ICY 200 OK\r\n\r\n"), 502),
    "another version": (says(b"HTTP/2.0 200 OK\r\n\r\n"), 502),
    "a bad status": (says(b"HTTP/1.1 2OO OK\r\n\r\n"), 502),
    "a status beyond all": (says(head(status=b"999 X")), 502),
    "a length and chunks": (says(head(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), b"0\r\n\r\n"), 502),
    "two lengths": (says(head(b"Content-Length: 2\r\nContent-Length: 3\r\n"), b"abc"), 502),
    "two equal lengths": (says(head(b"Content-Length: 2\r\nContent-Length: 2\r\n"), b"ab"), 502),
    "a negative length": (says(head(b"Content-Length: -2\r\n"), b"ab"), 502),
    "a length with a plus": (says(head(b"Content-Length: +2\r\n"), b"ab"), 502),
    "another coding": (says(head(b"Transfer-Encoding: gzip, chunked\r\n"), b"0\r\n\r\n"), 502),
    "a bare LF": (says(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"), 502),
    "a bare CR": (says(head(b"X-A: b\rX-C: d\r\nContent-Length: 0\r\n")), 502),
    "a NUL": (says(head(b"X-A: b\0c\r\nContent-Length: 0\r\n")), 502),
    "a folded field": (says(head(b"X-A: b\r\n c\r\nContent-Length: 0\r\n")), 502),
    "a space before the colon": (says(head(b"Content-Length : 0\r\n")), 502),
    "a head without end": (says(head(b"X-A: " + b"a" * 100_000 + b"\r\n")), 502),
    "fields without end": (says(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100_000), 502),
    "interim answers without end": (says(head(status=b"103 Early Hints") * 1000), 502),
    "interim answers with a body": (says(head(b"Content-Length: 3\r\n", b"103 Early Hints"), b"abc"), 502),
    "a switch that nobody asked for": (says(head(b"Upgrade: x\r\nConnection: upgrade\r\n", b"101 Switching Protocols")), 502),
    "a bad chunk size": (says(head(b"Transfer-Encoding: chunked\r\n"), b"zz\r\n"), CUT),
    "a chunk's size with a plus": (says(head(b"Transfer-Encoding: chunked\r\n"), b"+2\r\nab\r\n0\r\n\r\n"), CUT),
    "a chunk without its line end": (says(head(b"Transfer-Encoding: chunked\r\n"), b"2\r\nabc\r\n0\r\n\r\n"), CUT),
    "chunks that stop": (says(head(b"Transfer-Encoding: chunked\r\n"), b"2\r\nab\r\n"), CUT),
    "a bad trailer": (says(head(b"Transfer-Encoding: chunked\r\n"), b"0\r\nX A: b\r\n\r\n"), CUT),
    "short": (says(head(b"Content-Length: 10\r\n"), b"abc"), CUT),
    "long": (says(head(b"Content-Length: 2\r\n") + b"ok and what is more"), 200),
    "twice": (says((head(b"Content-Length: 2\r\n") + b"ok") * 2, ends=False), 200),
    "a body where there is none": (says(head(status=b"204 No Content") + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", ends=False), 204),
    "interim answers": (says(head(status=b"103 Early Hints") * 3, head(b"Content-Length: 2\r\n"), b"ok"), 200),
    "chunks and the connection stays": (says(head(b"Transfer-Encoding: chunked\r\n") + b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", ends=False), 200),
    "up to the end": (says(head(), b"ok"), 200),
}


class Targets(LinkCase):
    def test_answers_that_are_none_are_502_and_those_that_break_off_are_cut(self):
        upstream = self.closing(Upstream())
        link = self.link(("api", upstream.port, ONCE))
        for name, (script, expected) in ANSWERS.items():
            for request in (fields(b"", method=b"GET"), fields(b"Content-Length: 2\r\n", b"hi")):
                with self.subTest(name, request=request[:4]):
                    upstream.script = script
                    with RawClient(link.port()) as caller:
                        caller.send(request)
                        reply = caller.reply()
                        self.told(reply, expected)
                        if reply.whole:  # then its connection is as good as before, and the next one has an answer of its own
                            caller.send(GOOD)
                            self.assertEqual(caller.reply().body, b"good")
        self.assertEqual(upstream.faults, [])
        self.assertTrue(link.log("proxy request failed"))

    def told(self, reply, expected):
        if expected == CUT:
            self.assertTrue(not reply.whole or reply.status == 502, reply)
            return
        self.assertEqual((reply.status, reply.whole), (expected, True), reply)
        self.assertIn(reply.body, {200: [b"ok"], 204: [b""], 502: [b"bad gateway\n"]}[expected])


if __name__ == "__main__":
    main()
