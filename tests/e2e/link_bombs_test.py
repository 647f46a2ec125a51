#!/usr/bin/env python3
"""Answers that say much in few bytes, to a link whose interceptors look at them: refused at the bound, many at once too, in bounded
memory, while good answers pass."""
import gzip
import threading
import zlib

from floods import MIB, Good
from harness import get, guest, main
from link_harness import LinkCase

ONCE = "    retry: {maxAttempts: 1}\n"
LOOKS = f"    interceptors: [{{type: wasm, config: {{module: {guest('cat')}, phase: inbound}}}}]\n"
SIZE = 100 * MIB
AT_ONCE = 16


def raw_deflate(text):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(text) + squeeze.flush()


class Bombs(LinkCase):
    @classmethod
    def setUpClass(cls):
        zeros, member = bytes(SIZE), gzip.compress(bytes(MIB))
        cls.bombs = {"gzip": gzip.compress(zeros), "x-gzip": member * (SIZE // MIB), "deflate": zlib.compress(zeros), "Deflate": raw_deflate(zeros)}

    def answer(self, asked):
        coding = asked["path"][1:]
        if coding not in self.bombs:
            return 200, {"Content-Encoding": "gzip"}, gzip.compress(b"good")
        return 200, {"Content-Encoding": coding}, self.bombs[coding]

    def test_they_are_502_and_nobody_else_notices(self):
        service = self.service(self.answer)
        link = self.link(("api", service.port, ONCE + LOOKS))
        self.assertEqual(get(link.port(), "/link/api/good").body, b"good")
        told = []
        with Good(self, link, link.port(), "/link/api/good", 192 * MIB):
            for coding in self.bombs:
                threads = [threading.Thread(target=lambda path=f"/link/api/{coding}": told.append(get(link.port(), path))) for _ in range(AT_ONCE)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        self.assertEqual([(answer.status, answer.text) for answer in told], [(502, "bad gateway\n")] * (len(self.bombs) * AT_ONCE))
        errors = [line["error"] for line in link.log("proxy request failed")]
        self.assertEqual({error for error in errors if "the decoded body is too large" not in error}, set())
        self.assertEqual(link.metric("fiso_http_body_bytes"), 0)

    def test_without_an_interceptor_they_pass_as_they_are(self):
        service = self.service(self.answer)
        link = self.link(("api", service.port, ONCE))
        for coding, bomb in self.bombs.items():
            answer = get(link.port(), f"/link/api/{coding}")
            self.assertEqual((answer.status, answer.headers["content-encoding"], answer.body), (200, coding, bomb))

    def test_codings_one_inside_the_other_are_left_to_the_caller(self):
        twice = gzip.compress(gzip.compress(bytes(MIB)))
        service = self.service(lambda asked: (200, {"Content-Encoding": "gzip, gzip"}, twice))
        link = self.link(("api", service.port, ONCE + LOOKS))
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.headers["content-encoding"], answer.body), (200, "gzip, gzip", twice))


if __name__ == "__main__":
    main()
