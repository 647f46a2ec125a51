#!/usr/bin/env python3
"""Interceptors of targets: real guests see requests and answers, and what they say is what goes on."""
import base64
import gzip
import json
import socket
import threading

from harness import get, guest, main, poll, request, run
from link_harness import FISO_LINK, QUICK, LinkCase


def interceptor(module, more="", **config):
    """A step that runs a guest; `config` are keys of it."""
    keys = "".join(f", {key}: {value}" for key, value in config.items())
    return f"      - {{type: wasm, config: {{module: {guest(module)}{keys}{more}}}}}\n"


def steps(*interceptors):
    return "    interceptors:\n" + "".join(interceptors)


def answering(text):
    return "{OUTPUT: " + json.dumps(text) + "}"


def setting(headers):
    return "{HEADERS: " + json.dumps(json.dumps(headers)) + "}"


class Requests(LinkCase):
    def through(self, *interceptors, more=""):
        self.target = self.service()
        return self.link(("api", self.target.port, more + steps(*interceptors)))

    def test_a_guest_sees_the_request_and_its_payload_goes_out(self):
        link = self.through(interceptor("wraps"), more="    basePath: /v1\n")
        answer = request(link.port(), "POST", "/link/api/a/../b?x=1", b'{"n": 1}', {"X-One": "1"})
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        asked = self.target.asked[0]
        saw = json.loads(asked["body"])
        self.assertEqual((asked["method"], asked["path"]), ("POST", "/v1/b?x=1"))
        self.assertEqual((saw["payload"], saw["direction"], saw["method"], saw["path"], saw["target"]),
                         ({"n": 1}, "outbound", "POST", "/b?x=1", "api"))
        self.assertEqual(saw["headers"]["X-One"], "1")
        self.assertNotIn("status", saw)
        self.assertEqual(self.target.headers()["content-length"], str(len(asked["body"])))

    def test_a_request_without_a_body_is_seen_too_and_stays_without(self):
        link = self.through(interceptor("cat"))
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        self.assertEqual((self.target.asked[0]["body"], self.target.headers().get("content-length")), (b"", None))

    def test_a_body_that_is_not_json_passes_as_it_is(self):
        body = bytes(range(256)) * 100
        link = self.through(interceptor("cat"))
        request(link.port(), "POST", "/link/api/", body)
        self.assertEqual(self.target.asked[0]["body"], body)
        link.close()
        link = self.through(interceptor("wraps"))
        request(link.port(), "POST", "/link/api/", body)
        saw = json.loads(self.target.asked[0]["body"])
        self.assertEqual((saw["payload"], base64.b64decode(saw["payloadBase64"])), (None, body))

    def test_a_guest_that_says_nothing_of_the_body_leaves_it(self):
        json_body, binary = b'{"a":1}', b"\xff\x00bytes"
        for said, of_json, of_binary in (('{"headers":{"X-New":"1"}}', json_body, binary), ('{"payload":null}', b"", binary),
                                         ('{"payloadBase64":""}', b"", b""), ('{"payload":{"b":2}}', b'{"b":2}', b'{"b":2}')):
            link = self.through(interceptor("wraps", env=answering(said)))
            for body in (json_body, binary):
                self.assertEqual(request(link.port(), "PUT", "/link/api/", body).status, 200)
            self.assertEqual([asked["body"] for asked in self.target.asked], [of_json, of_binary], said)
            self.assertEqual(self.target.headers().get("x-new"), "1" if "X-New" in said else None)
            link.close()

    def test_what_was_said_of_the_bytes_goes_with_them(self):
        said = {"Digest": "sha-256=x", "Content-MD5": "x", "Content-Digest": "x", "Repr-Digest": "x", "X-Stays": "x"}
        for step, names in ((interceptor("cat"), {name.lower() for name in said}), (interceptor("wraps"), {"x-stays"}),
                            (interceptor("wraps", env=setting({"Content-Digest": "new"})), {"x-stays", "content-digest"})):
            link = self.through(step)
            request(link.port(), "PUT", "/link/api/", b"{}", said)
            self.assertEqual({name for name in self.target.headers() if name in {one.lower() for one in said}}, names)
            link.close()

    def test_headers_are_set_replaced_and_removed_but_for_those_of_the_message(self):
        wanted = {"X-New": "new", "x-old": "other", "X-Gone": None, "Host": "evil.example", "Content-Length": "1", "Content-Type": "text/x",
                  "Connection": "close", "Fiso-Correlation-Id": "mine", "X-Bad": "a\r\nb"}
        link = self.through(interceptor("wraps", env=setting(wanted)))
        request(link.port(), "POST", "/link/api/", b"{}", {"X-Old": "old", "X-Gone": "1", "X-Stays": "s", "X-Request-Id": "theirs"})
        sent = self.target.headers()
        self.assertEqual([sent.get(name) for name in ("x-new", "x-old", "x-gone", "x-stays", "content-type", "x-bad")],
                         ["new", "other", None, "s", "text/x", None])
        self.assertEqual((sent["host"], sent["fiso-correlation-id"]), (f"127.0.0.1:{self.target.port}", "theirs"))
        self.assertEqual(link.metric("fiso_wasm_dropped_headers_total", flow="link/api"), 5)

    def test_steps_run_in_their_order(self):
        link = self.through(interceptor("wraps"), interceptor("upper"))
        request(link.port(), "POST", "/link/api/", b'{"a":"b"}')
        self.assertEqual(json.loads(self.target.asked[0]["body"])["PAYLOAD"], {"A": "B"})

    def test_calls_of_each_step_are_counted_by_target_module_and_phase(self):
        own = f"      - {{type: wasmer-app, config: {{module: {guest('passthrough')}, runtime: wazero}}}}\n"
        link = self.through(interceptor("wraps"), interceptor("exit_1", failOpen="true"), interceptor("cat", phase="inbound"), own)
        for _ in range(2):
            self.assertEqual(request(link.port(), "POST", "/link/api/", b"{}").status, 200)
        name = "fiso_link_interceptor_"
        for module, phase, good, bad in (("wraps", "outbound", 2, 0), ("exit_1", "outbound", 0, 2), ("cat", "inbound", 2, 0), ("passthrough", "outbound", 2, 0)):
            labels = {"target": "api", "module": module + ".wasm", "phase": phase}
            told = [link.metric(name + "invocations_total", success=success, **labels) for success in ("true", "false")]
            self.assertEqual(told, [good, bad], module)
            self.assertEqual([link.metric(name + "errors_total", **labels), link.metric(name + "duration_seconds_count", **labels)], [bad, 2])

    def test_arguments_reach_the_guest(self):
        link = self.through(interceptor("wraps", args=json.dumps(['{"payload": "as the argument says"}'])))
        request(link.port(), "POST", "/link/api/", b"{}")
        self.assertEqual(self.target.asked[0]["body"], b'"as the argument says"')

    def test_guests_do_not_see_the_credentials(self):
        self.target = self.service()
        auth = "    auth: {type: bearer, secretRef: {envVar: S}}\n"
        link = self.link(("api", self.target.port, auth + steps(interceptor("wraps"))), S="s3cret")
        request(link.port(), "POST", "/link/api/", b"{}")
        self.assertEqual(self.target.headers()["authorization"], "Bearer s3cret")
        self.assertNotIn(b"s3cret", self.target.asked[0]["body"])

    def test_what_was_intercepted_is_what_is_sent_again(self):
        statuses = [503, 200]
        self.target = self.service(lambda asked: (statuses.pop(0), {}, b""))
        link = self.link(("api", self.target.port, QUICK + steps(interceptor("wraps"))))
        self.assertEqual(request(link.port(), "PUT", "/link/api/", b"{}").status, 200)
        self.assertEqual(self.target.asked[0]["body"], self.target.asked[1]["body"])

    def test_a_guest_that_fails_refuses_the_request_unless_it_may(self):
        for module, more in (("trap_unreachable", {}), ("exit_1", {}), ("loop", {"timeout": "50ms"}),
                             ("wraps", {"env": answering("no json")}), ("wraps", {"env": answering('{"payloadBase64":"?"}')})):
            link = self.through(interceptor(module, **more))
            answer = request(link.port(), "POST", "/link/api/", b"{}")
            self.assertEqual((answer.status, answer.text, self.target.asked), (500, "interceptor error\n", []), module)
            self.assertIn("interceptor 0: wasm module", link.wait_log("interceptor failed")[0]["error"])
            self.assertEqual(self.requests_total(link, target="api", status="500"), 1)
            link.close()
            link = self.through(interceptor(module, failOpen="true", **more))
            self.assertEqual(request(link.port(), "POST", "/link/api/", b'{"a":1}').status, 200)
            self.assertEqual(self.target.asked[0]["body"], b'{"a":1}')
            link.close()

    def test_a_body_beyond_the_limit_is_413(self):
        self.target = self.service()
        link = self.link(("api", self.target.port, steps(interceptor("cat"))), more="http: {maxBodyBytes: 1MiB}\n")
        answer = request(link.port(), "POST", "/link/api/", b"x" * ((1 << 20) + 1))
        self.assertEqual((answer.status, answer.text, self.target.asked), (413, "request body too large\n", []))
        self.assertEqual(request(link.port(), "POST", "/link/api/", b"x" * (1 << 20)).status, 200)

    def test_bodies_beyond_what_the_process_has_for_them_are_503(self):
        self.target = self.service()
        limits = "http: {maxBodyBytes: 1MiB, maxTotalBodyBytes: 1MiB}\n"
        link = self.link(("api", self.target.port, steps(interceptor("loop", timeout="1m", failOpen="true"))), more=limits)
        self.begin(link, b"x" * (700 << 10))
        poll("it is in memory", lambda: link.metric("fiso_http_body_bytes") >= 700 << 10)
        answer = request(link.port(), "POST", "/link/api/", b"x" * (700 << 10))
        self.assertEqual((answer.status, answer.text, answer.headers["retry-after"]), (503, "too many bodies in memory\n", "1"))
        link.process.kill()

    def test_guests_beyond_the_limit_of_the_process_are_503(self):
        self.target = self.service()
        limits = "shards: 1\nwasm: {maxInstances: 1, instanceQueue: 1}\n"
        link = self.link(("api", self.target.port, steps(interceptor("loop", timeout="1m"))), more=limits)
        for _ in range(2):
            self.begin(link, b"{}")
        poll("one runs", lambda: link.metric("fiso_wasm_calls_total", flow="link/api") == 2)
        answer = request(link.port(), "POST", "/link/api/", b"{}")
        self.assertEqual((answer.status, answer.text), (503, "too many requests wait for an interceptor\n"))
        link.process.kill()

    def test_time_that_a_guest_took_or_the_caller_is_not_the_targets_fault(self):
        limits = "    timeout: 100ms\n    circuitBreaker: {enabled: true, failureThreshold: 1}\n"
        link = self.through(interceptor("loop", timeout="500ms", failOpen="true"), more=limits)
        self.assertEqual(request(link.port(), "POST", "/link/api/", b"{}").status, 504)
        caller = self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))
        caller.sendall(b"POST /link/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        self.assertEqual(caller.recv(12), b"HTTP/1.1 408")
        self.assertEqual((self.target.asked, link.metric("fiso_link_circuit_state", target="api")), ([], 0))

    def begin(self, link, body):
        """A request whose answer nobody waits for."""
        connection = self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))
        connection.sendall(f"POST /link/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def test_instances_that_stand_ready_serve_requests_too(self):
        link = self.through(interceptor("ndjson", execution="pooled", poolSize="2", maxRequests="100"))
        for _ in range(20):
            self.assertEqual(request(link.port(), "POST", "/link/api/", b'{"a":1}').status, 200)
        self.assertEqual([json.loads(asked["body"])["a"] for asked in self.target.asked], [1] * 20)


class Answers(LinkCase):
    def answer_through(self, answer, *interceptors, method="GET", more=""):
        self.target = self.service(answer)
        self.running = self.link(("api", self.target.port, QUICK + more + steps(*interceptors)))
        return request(self.running.port(), method, "/link/api/x")

    def test_a_guest_sees_the_answer_and_its_payload_comes_back(self):
        answer = self.answer_through(lambda asked: (404, {"X-A": "b", "Content-Type": "application/json"}, b'{"why":1}'),
                                     interceptor("wraps", phase="inbound", env=setting({"X-Added": "1", "X-A": None})))
        saw = answer.json()
        self.assertEqual((answer.status, saw["payload"], saw["direction"], saw["status"], saw["method"], saw["path"], saw["target"]),
                         (404, {"why": 1}, "inbound", 404, "GET", "/x", "api"))
        self.assertEqual((answer.headers["x-added"], answer.headers.get("x-a"), saw["headers"]["X-A"]), ("1", None, "b"))

    def test_a_gzip_answer_is_decoded_before(self):
        text = json.dumps({"words": "again and " * 1000}).encode()
        answer = self.answer_through(lambda asked: (200, {"Content-Encoding": "gzip"}, gzip.compress(text)),
                                     interceptor("cat", phase="inbound"))
        self.assertEqual((answer.status, answer.body, answer.headers.get("content-encoding")), (200, text, None))
        self.assertEqual(self.target.headers()["accept-encoding"], "gzip")

    def test_the_tag_of_other_bytes_becomes_a_weak_one(self):
        headers = {"ETag": '"a"', "Last-Modified": "then", "Accept-Ranges": "bytes", "Content-Digest": "x"}
        for body, coding, module, tag in ((b"{}", {}, "cat", '"a"'), (b"{}", {}, "wraps", 'W/"a"'),
                                          (gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, "cat", 'W/"a"')):
            answer = self.answer_through(lambda asked, body=body, coding=coding: (200, {**headers, **coding}, body),
                                         interceptor(module, phase="inbound"))
            self.assertEqual((answer.headers["etag"], answer.headers["last-modified"]), (tag, "then"))
            self.assertEqual("content-digest" in answer.headers, tag == '"a"')
            self.running.close()

    def test_a_part_is_asked_for_as_it_is_and_passes_as_it_came(self):
        def part(asked):
            whole = b"0123456789" * 100
            is_gzip = "gzip" in dict(asked["headers"]).get("Accept-Encoding", "")
            coding = {"Content-Encoding": "gzip"} if is_gzip else {}
            return 206, {"Content-Range": "bytes 0-19/*", **coding}, (gzip.compress(whole) if is_gzip else whole)[:20]
        self.target = self.service(part)
        link = self.link(("api", self.target.port, steps(interceptor("cat", phase="inbound"))))
        answer = request(link.port(), "GET", "/link/api/", headers={"Range": "bytes=0-19", "Accept-Encoding": "gzip"})
        self.assertEqual((answer.status, answer.body, answer.headers["content-range"]), (206, b"0123456789" * 2, "bytes 0-19/*"))
        self.target.answer = lambda asked: (206, {"Content-Encoding": "gzip"}, b"no whole gzip")
        answer = request(link.port(), "GET", "/link/api/", headers={"Range": "bytes=0-19"})
        self.assertEqual((answer.status, answer.body, answer.headers["content-encoding"]), (206, b"no whole gzip", "gzip"))

    def test_trailers_pass_beside_the_guests_but_for_those_of_other_bytes(self):
        for module, digest in (("cat", True), ("wraps", False)):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                step = steps(interceptor("cat"), interceptor(module, phase="inbound"))
                link = self.link(("api", listener.getsockname()[1], "    retry: {maxAttempts: 1}\n" + step))
                caller = self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))
                caller.sendall(b"POST /link/api/ HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"2\r\n{}\r\n0\r\nX-Out: 1\r\n\r\n")
                target = self.closing(listener.accept()[0])
                asked = b""
                while not asked.endswith(b"0\r\nX-Out: 1\r\n\r\n"):
                    piece = target.recv(65536)
                    self.assertTrue(piece, asked)
                    asked += piece
                target.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-In: 1\r\nContent-Digest: x\r\n\r\n")
                answer = b""
                while b"X-In: 1" not in answer or not answer.endswith(b"\r\n\r\n"):
                    piece = caller.recv(65536)
                    self.assertTrue(piece, answer)
                    answer += piece
                self.assertEqual(b"Content-Digest: x" in answer, digest)
                link.close()

    def test_a_bomb_and_a_lie_are_502_and_the_process_goes_on(self):
        for body in (gzip.compress(b"\0" * (200 << 20)), b"no gzip at all"):
            answer = self.answer_through(lambda asked, body=body: (200, {"Content-Encoding": "gzip"}, body),
                                         interceptor("cat", phase="inbound"))
            self.assertEqual((answer.status, answer.text), (502, "bad gateway\n"))
            self.assertIn("body", self.running.wait_log("proxy request failed")[0]["error"])
            self.running.close()

    def test_what_answers_become_counts_against_what_the_process_has_for_bodies(self):
        self.target = self.service(lambda asked: (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * (900 << 10))))
        limits = "http: {maxBodyBytes: 1MiB, maxTotalBodyBytes: 1MiB}\n"
        link = self.link(("api", self.target.port, steps(interceptor("loop", phase="inbound", timeout="1m"))), more=limits)
        first = self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))
        first.sendall(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        poll("it is in memory", lambda: link.metric("fiso_http_body_bytes") >= 900 << 10)
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text, answer.headers["retry-after"]), (503, "too many bodies in memory\n", "1"))
        link.process.kill()

    def test_an_answer_beyond_the_limit_is_502(self):
        answer = self.answer_through(lambda asked: (200, {}, b"x" * (11 << 20)), interceptor("cat", phase="inbound"))
        self.assertEqual((answer.status, answer.text), (502, "bad gateway\n"))

    def test_head_and_answers_without_a_body_pass(self):
        answer = self.answer_through(lambda asked: (200, {}, b"12345"), interceptor("cat", phase="inbound"), method="HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"], answer.body), (200, "5", b""))
        self.running.close()
        answer = self.answer_through(lambda asked: (204, {}, b""), interceptor("cat", phase="inbound"))
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.running.close()
        answer = self.answer_through(lambda asked: (304, {"ETag": '"x"'}, None), interceptor("cat", phase="inbound"))
        self.assertEqual((answer.status, answer.headers["etag"], answer.headers.get("content-length"), answer.body), (304, '"x"', None, b""))

    def test_a_guest_that_fails_is_500_and_not_the_targets_fault(self):
        breaker = "    circuitBreaker: {enabled: true, failureThreshold: 1}\n"
        answer = self.answer_through(lambda asked: (200, {}, b"{}"), interceptor("trap_unreachable", phase="inbound"), more=breaker)
        self.assertEqual((answer.status, answer.text), (500, "interceptor error\n"))
        self.assertEqual(get(self.running.port(), "/link/api/").text, "interceptor error\n")
        self.assertEqual(self.running.metric("fiso_link_circuit_state", target="api"), 0)
        self.running.close()
        answer = self.answer_through(lambda asked: (200, {}, b"kept"), interceptor("trap_unreachable", phase="inbound", failOpen="true"))
        self.assertEqual((answer.status, answer.body), (200, b"kept"))

    def test_requests_and_answers_each_have_their_steps(self):
        answer = self.answer_through(lambda asked: (200, {}, b'"' + asked["headers"][0][0].encode() + b'"'),
                                     interceptor("wraps", env=setting({"X-Out": "1"})),
                                     interceptor("wraps", phase="inbound", env=setting({"X-In": "1"})), method="POST")
        self.assertEqual((self.target.headers()["x-out"], self.target.headers().get("x-in")), ("1", None))
        self.assertEqual((answer.headers["x-in"], answer.headers.get("x-out")), ("1", None))


class Configuring(LinkCase):
    def errors_of(self, text):
        files = self.directory()
        files.write("link.yaml", "targets:\n  - name: a\n    host: a.example\n" + text)
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        return done.returncode, done.stderr.decode()

    def test_what_is_wrong_is_told_at_its_place(self):
        code, text = self.errors_of(steps("      - {type: wasm, config: {module: /not/there.wasm, phse: inbound}}\n",
                                          "      - {type: wasm, config: {module: /not/there.wasm}}\n",
                                          "      - {type: lua, config: {}}\n", "      - {config: {}}\n",
                                          interceptor("cat", phase="sideways"), interceptor("cat", runtime="wasmer")))
        self.assertEqual(code, 1)
        for part in ("link.yaml:5:56: targets[0].interceptors[0].config.phse", "targets[0].interceptors[1].config.module: module path not "
                     "accessible: /not/there.wasm", 'targets[0].interceptors[2].type "lua" is not valid (must be one of: wasm',
                     "targets[0].interceptors[3].type is required", "targets[0].interceptors[4].config.phase",
                     "fiso-wasmer-link"):
            self.assertIn(part, text)

    def test_what_only_compiling_finds_is_found_by_the_check(self):
        broken = self.directory().path / "broken.wasm"
        broken.write_bytes(b"\0asm\1\0\0\0\x0a\x99garbage")
        code, text = self.errors_of("    protocol: http\n" + steps(interceptor("cat"), f"      - {{type: wasm, config: {{module: {broken}}}}}\n",
                                                                   f"      - {{type: wasmer-app, config: {{module: {broken}, runtime: wazero}}}}\n"))
        self.assertEqual(code, 1)
        for place in ("link.yaml:7:39: targets[0].interceptors[1].config.module", "link.yaml:8:45: targets[0].interceptors[2].config.module"):
            self.assertIn(place, text)
        self.assertIn(str(broken), text)

    def test_calls_of_grpc_have_none(self):
        code, text = self.errors_of("    protocol: grpc\n" + steps(interceptor("cat")))
        self.assertEqual(code, 1)
        self.assertIn("targets[0].interceptors: a call of gRPC is a stream of messages", text)

    def test_a_module_that_changes_is_loaded_by_the_next_reading(self):
        service = self.service()
        modules = self.directory()
        module = modules.path / "step.wasm"
        module.write_bytes(open(guest("wraps"), "rb").read())
        link = self.link(("a", service.port, f"    interceptors: [{{type: wasm, config: {{module: {module}}}}}]\n"))
        request(link.port(), "POST", "/link/a/", b'"x"')
        module.write_bytes(open(guest("cat"), "rb").read())
        self.assertEqual(request(link.admin_port, "POST", "/reload").status, 202)
        poll("the verdict", lambda: link.reload_state()["attempts"] == 2)
        request(link.port(), "POST", "/link/a/", b'"x"')
        self.assertEqual([json.loads(asked["body"])["payload"] if b"payload" in asked["body"] else asked["body"] for asked in service.asked],
                         ["x", b'"x"'])

    def test_a_request_under_way_ends_with_the_steps_it_began_with(self):
        asked, go_on = threading.Event(), threading.Event()

        def answer(_):
            asked.set()
            go_on.wait(60)
            return 200, {}, b'{"n":1}'
        service = self.service(answer)
        target = ("a", service.port, steps(interceptor("cat"), interceptor("wraps", phase="inbound")))
        link = self.link(target, MALLOC_PERTURB_="165")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(request(link.port(), "POST", "/link/a/", b'"x"')))
        thread.start()
        self.assertTrue(asked.wait(60))
        for attempt in range(2, 8):
            self.files.write("link.yaml", self.link_yaml(target) + f"# reading {attempt}\n")
            poll("the verdict", lambda number=attempt: link.reload_state()["attempts"] >= number)
        go_on.set()
        thread.join(60)
        self.assertEqual([(answer.status, answer.json()["payload"]) for answer in answers], [(200, {"n": 1})])
        self.assert_stops(link)


if __name__ == "__main__":
    main()
