#!/usr/bin/env python3
"""fiso-link: calls go out with what their target is due, and come back as they are."""
import os
import signal
import socket
import threading

from harness import ReservedPort, get, main, poll, request, run
from link_harness import FISO_LINK, QUICK, LinkCase


class Passing(LinkCase):
    def test_a_request_reaches_its_target_as_it_was_sent(self):
        service = self.service()
        link = self.link(("api", service.port, "    basePath: /v1\n"))
        answer = request(link.port(), "PUT", "/link/api/a%2Fb//c;x?q=%zz&r", b"body", {"X-One": "1", "Connection": "x-hop", "X-Hop": "no"})
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        asked = service.asked[0]
        self.assertEqual((asked["method"], asked["path"], asked["body"]), ("PUT", "/v1/a%2Fb//c;x?q=%zz&r", b"body"))
        headers = service.headers()
        self.assertEqual((headers["host"], headers["x-one"]), (f"127.0.0.1:{service.port}", "1"))
        self.assertFalse({"x-hop", "x-forwarded-for"} & headers.keys())

    def test_a_target_alone_is_its_root(self):
        service = self.service()
        link = self.link(("plain", service.port, ""), ("based", service.port, "    basePath: /v1/\n"))
        for path in ("/link/plain", "/link/plain/", "/link/based", "/link/based/", "/link/based/x"):
            self.assertEqual(get(link.port(), path).status, 200)
        self.assertEqual([asked["path"] for asked in service.asked], ["/", "/", "/v1", "/v1", "/v1/x"])

    def test_the_answer_comes_back_as_it_is(self):
        for status in (201, 204, 301, 404, 418, 500):
            service = self.service(lambda asked, code=status: (code, {"Location": "http://elsewhere.example/", "X-A": "b"},
                                                               b"" if code == 204 else b"why"))
            link = self.link(("api", service.port, QUICK))
            answer = get(link.port(), "/link/api/")
            self.assertEqual((answer.status, answer.headers["x-a"], answer.headers["location"], answer.body),
                             (status, "b", "http://elsewhere.example/", b"" if status == 204 else b"why"))
            self.assertEqual(len(service.asked), 1)
            link.close()

    def test_the_correlation_id_of_the_caller_goes_on_in_any_case(self):
        service = self.service()
        link = self.link(("api", service.port, ""))
        answer = request(link.port(), "GET", "/link/api/", headers={"X-REQUEST-ID": "mine"})
        self.assertEqual((answer.headers["fiso-correlation-id"], service.headers()["fiso-correlation-id"]), ("mine", "mine"))
        other = get(link.port(), "/link/api/").headers["fiso-correlation-id"]
        self.assertEqual((len(other), service.headers()["fiso-correlation-id"]), (36, other))
        self.assertEqual(get(link.port(), "/link/none/").headers["fiso-correlation-id"].count("-"), 4)

    def test_unknown_targets_and_paths_are_not_found(self):
        link = self.link(("api", 1, ""))
        self.assertEqual((get(link.port(), "/link/none/x").status, get(link.port(), "/link/none/x").text), (404, 'target "none" not found\n'))
        self.assertEqual((get(link.port(), "/elsewhere").status, get(link.port(), "/elsewhere").text), (404, "404 page not found\n"))
        poll("it is counted", lambda: self.requests_total(link, target="unknown", status="404") == 4)
        moved = get(link.port(), "/link?a=b")
        self.assertEqual((moved.status, moved.headers["location"], moved.text), (301, "/link/?a=b", "Moved Permanently\n"))

    def test_a_method_that_nobody_knows_passes(self):
        asked = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                connection = listener.accept()[0]
                with connection:
                    whole = b""
                    while not whole.endswith(b"\r\n\r\nhi"):
                        whole += connection.recv(65536)
                    asked.append(whole)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            link = self.link(("api", listener.getsockname()[1], ""))
            thread = threading.Thread(target=serve)
            thread.start()
            self.assertEqual(request(link.port(), "CUSTOM", "/link/api/x", b"hi").status, 200)
            thread.join(60)
        self.assertTrue(asked[0].startswith(b"CUSTOM /x HTTP/1.1\r\n"), asked)
        self.assertTrue(asked[0].endswith(b"\r\n\r\nhi"), asked)
        self.assertEqual(self.requests_total(link, target="api", method="other", status="200"), 1)

    def test_a_body_of_any_size_streams_through(self):
        service = self.service(lambda asked: (200, {}, asked["body"]))
        link = self.link(("api", service.port, ""))
        body = os.urandom(20 << 20)
        self.assertEqual(request(link.port(), "POST", "/link/api/", body).body, body)


class Rules(LinkCase):
    def test_only_allowed_paths_pass_however_they_are_written(self):
        service = self.service()
        link = self.link(("api", service.port, "    allowedPaths: [/public/**, /v1/*]\n"))
        for path in ("/public", "/public/a/b?x=/../", "/v1/x", "/private/../public/x"):
            self.assertEqual(get(link.port(), f"/link/api{path}").status, 200, path)
        self.assertEqual(service.asked[-1]["path"], "/public/x")
        count = len(service.asked)
        for path in ("/", "/private", "/v1/x/y", "/public/../private", "/public/%2e%2e/private", "/public/..%2fprivate",
                     "/public/..;/private", "/public/%252e%252e/private", "/v1/a%2fb"):
            answer = get(link.port(), f"/link/api{path}")
            self.assertEqual((answer.status, answer.text), (403, "path not allowed\n"), path)
        self.assertEqual(get(link.port(), "/link/api/../../x").status, 400)
        self.assertEqual(len(service.asked), count)

    def test_beyond_the_rate_limit_is_429_with_the_time_to_wait(self):
        service = self.service()
        link = self.link(("api", service.port, "    rateLimit: {requestsPerSecond: 0.01, burst: 3}\n"))
        answers = [get(link.port(), "/link/api/") for _ in range(5)]
        self.assertEqual([answer.status for answer in answers], [200, 200, 200, 429, 429])
        self.assertEqual(answers[3].text, "rate limit exceeded\n")
        self.assertTrue(90 <= int(answers[3].headers["retry-after"]) <= 100)
        self.assertEqual(link.metric("fiso_link_rate_limited_total", target="api"), 2)

    def test_pages_of_other_sites_are_refused_unless_they_are_listed(self):
        service = self.service()
        link = self.link(("api", service.port, ""), more="allowOrigins: [https://ours.example]\n")
        def status(**headers):
            return request(link.port(), "GET", "/link/api/", headers={name.replace("_", "-"): value for name, value in headers.items()}).status
        self.assertEqual(status(Origin="https://evil.example"), 403)
        self.assertEqual(status(Origin="null", Sec_Fetch_Site="cross-site"), 403)
        self.assertEqual(status(Sec_Fetch_Site="same-site"), 403)
        self.assertEqual(status(Origin="https://ours.example", Sec_Fetch_Site="cross-site"), 200)
        self.assertEqual(status(Origin=f"http://127.0.0.1:{link.port()}", Sec_Fetch_Site="same-origin"), 200)
        self.assertEqual(status(Sec_Fetch_Site="none"), 200)
        self.assertEqual(status(Host="evil.example:3500", User_Agent="Mozilla/5.0"), 403)
        self.assertEqual(status(Host="fiso-link:3500"), 200)


class Credentials(LinkCase):
    def asked_with(self, auth, **env):
        service = self.service()
        link = self.link(("api", service.port, f"    auth: {auth}\n"), **env)
        self.assertEqual(request(link.port(), "GET", "/link/api/", headers={"Authorization": "mine"}).status, 200)
        self.assertNotIn("s3cret", b"".join(link.lines).decode())
        self.assertNotIn("s3cret", get(link.admin_port, "/metrics").text)
        return service.headers()

    def test_each_kind_is_sent_in_place_of_the_callers(self):
        secret = "secretRef: {envVar: S}"
        self.assertEqual(self.asked_with(f"{{type: bearer, {secret}}}", S="s3cret")["authorization"], "Bearer s3cret")
        self.assertEqual(self.asked_with(f"{{type: APIKey, {secret}}}", S="s3cret")["authorization"], "s3cret")
        headers = self.asked_with(f"{{type: apikey, header: X-Key, {secret}}}", S="s3cret")
        self.assertEqual((headers["x-key"], headers["authorization"]), ("s3cret", "mine"))
        self.assertEqual(self.asked_with(f"{{type: basic, {secret}}}", S="dTpw")["authorization"], "Basic dTpw")
        self.assertEqual(self.asked_with(f"{{type: basic, username: u, {secret}}}", S="p w")["authorization"], "Basic dTpwIHc=")

    def test_a_secret_file_is_read_again_and_its_end_closes_the_target(self):
        service = self.service()
        secrets = self.directory()
        secrets.write("token", " one \n")
        link = self.link(("api", service.port, f"    auth: {{type: bearer, secretRef: {{filePath: {secrets.path}/token}}}}\n"))

        def sent():
            answer = get(link.port(), "/link/api/")
            return service.headers()["authorization"] if answer.status == 200 else (answer.status, answer.text)
        self.assertEqual(sent(), "Bearer one")
        secrets.write("token", "two")
        poll("the new one is sent", lambda: sent() == "Bearer two")
        (secrets.path / "token").unlink()
        poll("nothing is sent without it", lambda: sent() == (500, "auth error\n"))
        secrets.write("token", "three")
        poll("the next one is sent", lambda: sent() == "Bearer three")
        self.assertGreaterEqual(link.metric("fiso_link_auth_refresh_total", target="api", status="success"), 3)

    def test_no_target_is_asked_to_say_what_it_was_sent(self):
        service = self.service()
        link = self.link(("api", service.port, "    auth: {type: bearer, secretRef: {envVar: S}}\n"), S="s3cret")
        answer = request(link.port(), "TRACE", "/link/api/")
        self.assertEqual((answer.status, answer.text), (405, "method not allowed\n"))
        self.assertIn("GET", answer.headers["allow"])
        for name in ("TRACE", "TRACK", "trace"):  # over HTTP/2 a method may be any token
            self.assertEqual(run("curl", "-s", "--http2-prior-knowledge", "-X", name, "-o", "/dev/null", "-w", "%{http_code}",
                                 f"http://127.0.0.1:{link.port()}/link/api/").stdout, b"405", name)
        self.assertEqual(service.asked, [])

    def test_a_target_without_its_secret_refuses_to_start(self):
        for auth, text in (("{type: bearer}", "the secret is missing"), ("{type: bearer, secretRef: {envVar: NOT_THERE}}", "is not set"),
                           ("{type: bearer, secretRef: {filePath: /not/there}}", "cannot be read"), ("{type: baerer}", "is not valid"),
                           ("{type: bearer, vaultRef: {path: x}}", "needs the key vault of the file")):
            files = self.directory()
            files.write("link.yaml", f"targets:\n  - name: a\n    host: a.example\n    auth: {auth}\n")
            done = run(FISO_LINK, "-config", files.path / "link.yaml")
            self.assertEqual(done.returncode, 1, auth)
            self.assertIn(text, done.stderr.decode())


class Failures(LinkCase):
    def test_what_can_be_repeated_is_tried_again(self):
        statuses = [503, 429, 200]
        service = self.service(lambda asked: (statuses.pop(0), {}, b"end"))
        link = self.link(("api", service.port, QUICK))
        answer = request(link.port(), "PUT", "/link/api/", b"same")
        self.assertEqual((answer.status, answer.body), (200, b"end"))
        self.assertEqual([asked["body"] for asked in service.asked], [b"same"] * 3)
        self.assertEqual(link.metric("fiso_link_retries_total", target="api"), 2)
        self.assertEqual(link.metric("fiso_link_requests_total", target="api", method="PUT", status="200"), 1)

    def test_a_body_beyond_what_is_kept_is_sent_once(self):
        service = self.service(lambda asked: (503, {}, b"why"))
        link = self.link(("api", service.port, QUICK))
        for size in (256 << 10, 1 << 20):
            answer = request(link.port(), "PUT", "/link/api/", b"x" * size)
            self.assertEqual((answer.status, answer.body), (503, b"why"))
        self.assertEqual([len(asked["body"]) for asked in service.asked], [256 << 10] * 3 + [1 << 20])

    def test_the_last_answer_comes_back_whole(self):
        service = self.service(lambda asked: (503, {"X-Why": "w"}, b"details"))
        link = self.link(("api", service.port, QUICK))
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.headers["x-why"], answer.body, len(service.asked)), (503, "w", b"details", 3))

    def test_what_may_not_be_repeated_is_asked_once(self):
        service = self.service(lambda asked: (503, {}, b""))
        link = self.link(("api", service.port, QUICK))
        self.assertEqual(request(link.port(), "POST", "/link/api/", b"x").status, 503)
        self.assertEqual(len(service.asked), 1)
        self.assertEqual(request(link.port(), "POST", "/link/api/", b"x", {"Idempotency-Key": "k"}).status, 503)
        self.assertEqual(len(service.asked), 4)

    def test_a_target_that_cannot_be_reached_is_502(self):
        free = self.closing(ReservedPort())
        link = self.link(("api", free.port, QUICK))
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (502, "bad gateway\n"))
        self.assertTrue(link.wait_log("proxy request failed"))

    def test_a_target_that_is_silent_is_504(self):
        silent = self.closing(socket.create_server(("127.0.0.1", 0)))
        link = self.link(("api", silent.getsockname()[1], "    timeout: 300ms\n" + QUICK))
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (504, "gateway timeout\n"))

    def test_a_breaker_opens_for_its_time_and_closes_after_good_calls(self):
        well = threading.Event()
        service = self.service(lambda asked: (200 if well.is_set() else 500, {}, b""))
        breaker = "    circuitBreaker: {enabled: true, failureThreshold: 2, successThreshold: 1, resetTimeout: 500}\n"
        link = self.link(("api", service.port, breaker))
        self.assertEqual([get(link.port(), "/link/api/").status for _ in range(2)], [500, 500])
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text, answer.headers["retry-after"]), (503, "service unavailable (circuit open)\n", "1"))
        self.assertEqual((len(service.asked), link.metric("fiso_link_circuit_state", target="api")), (2, 2))
        well.set()
        poll("it is asked again", lambda: get(link.port(), "/link/api/").status == 200)
        self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 0)

    def test_a_caller_that_is_late_with_its_body_is_408_and_not_the_targets_fault(self):
        service = self.service()
        link = self.link(("api", service.port, "    timeout: 200ms\n    circuitBreaker: {enabled: true, failureThreshold: 1}\n"))
        for method in ("PUT", "POST"):  # kept, so that it can be sent again, or passed on as it comes
            with socket.create_connection(("127.0.0.1", link.port()), 60) as caller:
                caller.sendall(f"{method} /link/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345".encode())
                self.assertEqual(caller.recv(12), b"HTTP/1.1 408", method)
        self.assertEqual(link.metric("fiso_link_circuit_state", target="api"), 0)

    def test_what_a_caller_does_wrong_does_not_open_the_breaker(self):
        service = self.service(lambda asked: (404, {}, b""))
        link = self.link(("api", service.port, "    circuitBreaker: {enabled: true, failureThreshold: 1}\n"))
        self.assertEqual([get(link.port(), "/link/api/").status for _ in range(5)], [404] * 5)


class Running(LinkCase):
    def test_a_stop_lets_what_is_under_way_finish(self):
        asked, go_on = threading.Event(), threading.Event()

        def answer(_):
            asked.set()
            go_on.wait(60)
            return 200, {}, b"late"
        service = self.service(answer)
        link = self.link(("api", service.port, ""))
        answers = []
        thread = threading.Thread(target=lambda: answers.append(get(link.port(), "/link/api/")))
        thread.start()
        asked.wait(60)
        link.signal(signal.SIGTERM)
        link.wait_log("shutting down")
        go_on.set()
        thread.join(60)
        self.assertEqual((answers[0].status, answers[0].body, link.wait()), (200, b"late", 0))

    def test_all_that_is_wrong_is_told_at_once(self):
        files = self.directory()
        files.write("link.yaml", "targets:\n  - name: a\n    host: a.example\n    protocl: http\n  - name: a\n    protocol: ftp\n    port: 99999\n"
                                 "    retry: {jitter: 2}\n    allowedPaths: [x]\n")
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        self.assertEqual(done.returncode, 1)
        text = done.stderr.decode()
        for part in ("link.yaml:4:5: targets[0].protocl", "(must be one of: http, https, grpc, kafka, app)", "host is required",
                     "must be between 0.0 and 1.0", "a pattern begins with /"):
            self.assertIn(part, text)

    def check(self, text):
        files = self.directory()
        files.write("link.yaml", text)
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        return done.returncode, done.stderr.decode()

    def test_what_targets_are_to_each_other_is_told_beside_what_is_wrong_with_one(self):
        code, text = self.check("targets:\n  - {name: a, host: localhost, protocol: http, port: 3500, protocl: http}\n  - {name: b, host: b, timeout: x}\n"
                                "  - {name: b, host: c}\n  - {name: k, protocol: kafka, kafka: {cluster: none, topic: t}}\n"
                                "  - {name: d, protocol: app, app: x}\n  - {name: e, host: e, allowedPaths: [a, /fine, '/[x', '/**/y']}\n"
                                "  - {name: v, host: v, auth: {type: bearer, vaultRef: {path: a/b}}}\n")
        self.assertEqual(code, 1)
        for part in ('link.yaml:2:60: targets[0].protocl', "link.yaml:2:5: targets[0]: targets[0]: localhost with port 3500 is fiso-link itself",
                     'link.yaml:4:5: targets[2]: targets[2]: target "b" is there twice: it is targets[1] already',
                     'link.yaml:5:5: targets[3]: targets[3]: kafka.cluster "none" not found in kafka.clusters', "targets[4]: `protocol: app` needs",
                     'targets[5].allowedPaths[0]: targets[5].allowedPaths[0]: "a": a pattern begins with /', 'allowedPaths[2]: "/[x": a [ has no ]',
                     'allowedPaths[3]: "/**/y": ** stands at the end only', "targets[6]: auth.vaultRef needs the key vault"):
            self.assertIn(part, text)

    def test_zeros_and_what_is_switched_off_are_as_they_have_always_been(self):
        self.assertEqual(self.check(
            "targets:\n  - name: a\n    host: a\n    circuitBreaker: {enabled: true, failureThreshold: 0, successThreshold: 0, resetTimeout: 0}\n"
            "    retry: {maxAttempts: 0, initialInterval: 0, maxInterval: 0, jitter: 0}\n    rateLimit: {requestsPerSecond: 0, burst: 10}\n"
            "  - {name: b, host: b, circuitBreaker: {enabled: false, failureThreshold: 3}}\n"), (0, ""))
        code, text = self.check("targets:\n  - {name: a, host: a, rateLimit: {burst: 1}, circuitBreaker: {failureThreshold: 3}}\n")
        self.assertEqual((code, text.count("has an effect with")), (1, 2))

    def test_what_is_no_yaml_is_told_as_that(self):
        code, text = self.check("targets: [\n")
        self.assertEqual(code, 1)
        self.assertRegex(text, r"^error: load config: parse config: .*link.yaml:\d+:\d+: ")


if __name__ == "__main__":
    main()
