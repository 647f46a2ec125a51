#!/usr/bin/env python3
"""fiso-wasmer-link: calls out and apps in one process; apps as targets, and as interceptors of targets."""
import gzip
import json
import signal
import subprocess

from harness import ANY_PORT, ReservedPort, descendants, environment, get, guest, main, missing_guests, poll, post, request
from link_harness import FISO_LINK, FISO_WASMER_LINK, LinkCase, Link

APP = "      - type: wasmer-app\n        config: {{app: {name}{more}}}\n"


def app(name, module, more=""):
    return f"    - {{name: {name}, module: {guest(module)}{more}}}\n"


def interceptor(name, more=""):
    return "    interceptors:\n" + APP.format(name=name, more=more)


def to_app(name, app_name, more=""):
    return f"  - {{name: {name}, protocol: app, app: {app_name}{more}}}\n"


class WasmerLinkCase(LinkCase):
    def start(self, text, apps_text=None, ready=True, **env):
        self.files = self.directory()
        self.files.write("link.yaml", f'listenAddr: "{ANY_PORT}"\nmetricsAddr: "{ANY_PORT}"\n' + text)
        if apps_text is not None:
            self.files.write("apps.yaml", apps_text)
            env["FISO_WASMER_CONFIG"] = str(self.files.path / "apps.yaml")
        link = self.closing(Link(self.files, program=FISO_WASMER_LINK, **env))
        return link.wait_ready() if ready else link

    def check(self, text, program=FISO_WASMER_LINK, apps_text=None):
        files = self.directory()
        files.write("link.yaml", text)
        env = {}
        if apps_text is not None:
            files.write("apps.yaml", apps_text)
            env["FISO_WASMER_CONFIG"] = str(files.path / "apps.yaml")
        done = subprocess.run([program, "-config", str(files.path / "link.yaml"), "-check"], env=environment(**env), capture_output=True,
                              text=True, check=False)
        said = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("{")]  # what is compiled is logged
        return done.returncode, "".join(said)


class Scenario(WasmerLinkCase):
    """The original's wasmer-link scenario, E11 to E15, in which the interceptor is really asked."""

    def backend(self):
        def answer(asked):
            if asked["path"].endswith("/status"):
                return 200, {"Content-Type": "application/json"}, b'{"status":"ok"}'
            body = json.loads(asked["body"])
            result = {"action": body["action"], "result": body["params"]["value"] * 2, "intercepted": body.get("intercepted")}
            return 200, {"Content-Type": "application/json"}, json.dumps(result).encode()
        return self.service(answer)

    def test_e11_to_e15(self):
        if missing_guests("intercept_go"):
            self.skipTest("built without Go guests")
        backend = self.backend()
        port = self.closing(ReservedPort())
        apps = (f"apps:\n  - name: request-interceptor\n    module: {guest('intercept_go')}\n    port: {port.port}\n    execution: longRunning\n"
                "    memoryMB: 64\n    env: {INTERCEPT_MODE: both, LOG_LEVEL: info}\n")
        link = self.start(f"targets:\n  - name: api\n    protocol: http\n    host: 127.0.0.1\n    port: {backend.port}\n    basePath: /api\n"
                          + interceptor("request-interceptor"), apps)
        asked = {"action": "calculate", "params": {"value": 100, "operation": "double"}}
        answer = request(link.port(), "POST", "/link/api/process", json.dumps(asked).encode(), {"X-Request-ID": "test-req-001"})                            # E11
        self.assertEqual((answer.status, answer.json()), (200, {"action": "calculate", "result": 200, "intercepted": True}))
        received = backend.asked[0]                                                                                         # E12
        self.assertEqual((received["path"], json.loads(received["body"])),
                         ("/api/process", {**asked, "intercepted": True, "intercept_mode": "both", "direction": "outbound"}))
        headers = backend.headers(0)                                                                                        # E13
        self.assertEqual((headers["x-intercepted-by"], headers["x-intercept-direction"], headers["fiso-correlation-id"]),
                         ("wasmer-link", "outbound", "test-req-001"))
        self.assertEqual(get(link.port(), "/link/api/status").status, 200)                                                  # E14
        self.assertEqual(get(link.admin_port, "/metrics").status, 200)                                                      # E15
        self.assertEqual(link.metric("fiso_app_requests_total", app="request-interceptor", status="2xx"), 2)
        self.assertEqual(link.stop(), 0)
        self.assertEqual(descendants(link.process.pid), set())


class Targets(WasmerLinkCase):
    def test_an_app_is_a_target_without_a_port_being_named(self):
        link = self.start("targets:\n" + to_app("counter", "counter", ", basePath: /v1, retry: {maxAttempts: 1}") +
                          "wasmer:\n  apps:\n" + app("counter", "counter_server", ", execution: longRunning, healthCheck: /health"))
        self.assertEqual([get(link.port(), "/link/counter/").json()["count"] for _ in range(3)], [1, 2, 3])
        self.assertEqual(get(link.port(), "/link/counter/x").headers["content-type"], "application/json")
        self.assertEqual(link.metric("fiso_link_requests_total", target="counter", status="200"), 4)
        started = link.log("started wasmer app")
        self.assertEqual([entry["name"] for entry in started], ["counter"])
        self.assertRegex(started[0]["addr"], r"127\.0\.0\.1:\d+")

    def test_the_apps_of_a_file_of_their_own(self):
        link = self.start("targets:\n" + to_app("hello", "hello"), "apps:\n" + app("hello", "hello_app").replace("    - ", "  - "))
        self.assertEqual(get(link.port(), "/link/hello/hello").status, 200)

    def test_an_app_that_moves_is_followed(self):
        first, second = self.closing(ReservedPort()), self.closing(ReservedPort())
        text = lambda port: (f'listenAddr: "{ANY_PORT}"\nmetricsAddr: "{ANY_PORT}"\ntargets:\n' + to_app("hello", "hello") + "wasmer:\n  apps:\n"
                             + app("hello", "hello_app", f", port: {port}"))
        link = self.start(text(first.port).split("\n", 2)[2])
        self.assertEqual(get(link.port(), "/link/hello/hello").status, 200)
        self.files.write("link.yaml", text(second.port))
        poll("the app has moved", lambda: [one["port"] for one in get(link.admin_port, "/apps").json()] == [second.port])
        poll("its target leads there", lambda: get(link.port(), "/link/hello/hello").status == 200)
        verdict = link.reload_state()
        self.assertEqual((verdict["apps"]["status"], verdict["link"]["status"]), ("ok", "ok"))


class Changes(WasmerLinkCase):
    HEAD = f'listenAddr: "{ANY_PORT}"\nmetricsAddr: "{ANY_PORT}"\ntargets:\n'

    def target_text(self, name, steps=""):
        return f"  - name: {name}\n    protocol: http\n    host: 127.0.0.1\n    port: {self.target.port}\n{steps}"

    def change(self, link, text):
        before = link.reload_state()["link"]["generation"]
        self.files.write("link.yaml", self.HEAD + text)
        poll("the change is in force", lambda: link.reload_state()["link"]["generation"] == before + 1)

    def test_an_app_and_its_target_may_come_with_one_change(self):
        self.target = self.service()
        link = self.start("targets:\n" + self.target_text("api"))
        self.change(link, self.target_text("api") + to_app("hello", "hello") + "wasmer:\n  apps:\n" + app("hello", "hello_app"))
        self.assertEqual(get(link.port(), "/link/hello/hello").status, 200)
        self.assertEqual(link.log("failed to load config, the old one stays"), [])

    def test_interceptors_stay_with_their_targets(self):
        self.target = self.service()
        marked, plain = "    interceptors:\n      - {type: wasm, config: {module: %s}}\n" % guest("wraps"), ""
        apps = "wasmer:\n  apps:\n" + app("hello", "hello_app")
        body = lambda name: (request(link.port(), "POST", f"/link/{name}/", b"{}"), self.target.asked[-1]["body"])[1]
        link = self.start("targets:\n" + self.target_text("a", plain) + self.target_text("b", marked) + apps)
        self.change(link, self.target_text("new", plain) + self.target_text("a", marked) + self.target_text("b", plain) + apps)
        link.signal(signal.SIGHUP)
        poll("it was read again", lambda: link.reload_state()["link"]["generation"] == 3)
        self.assertEqual((body("new"), body("b")), (b"{}", b"{}"))
        self.assertEqual(json.loads(body("a"))["target"], "a")


class Interceptors(WasmerLinkCase):
    def through(self, apps, steps, answer=lambda asked: (200, {"Content-Type": "application/json"}, b'{"from":"target"}'), ready=True):
        self.target = self.service(answer)
        return self.start(f"targets:\n  - name: api\n    protocol: http\n    host: 127.0.0.1\n    port: {self.target.port}\n" + steps +
                          (f"wasmer:\n  apps:\n{apps}" if apps else ""), ready=ready)

    def test_an_app_that_listens_is_posted_to(self):
        link = self.through(app("listens", "process_server", ", execution: longRunning, healthCheck: /health"), interceptor("listens"))
        for count in (1, 2):  # it lives on
            self.assertEqual(post(link.port(), "/link/api/x", {"n": count}).status, 200)
            self.assertEqual(json.loads(self.target.asked[-1]["body"]), {"count": count, "direction": "outbound", "payload": {"n": count}})
        self.assertEqual(self.target.headers()["x-processed"], "yes")
        answer = request(link.port(), "POST", "/link/api/x", b'"refuse"')
        self.assertEqual((answer.status, answer.text, len(self.target.asked)), (500, "interceptor error\n", 2))
        self.assertIn("answer (not that): app returned error: 422 Unprocessable Content", link.wait_log("interceptor failed")[0]["error"])

    def test_an_app_sees_answers_too(self):
        compressed = lambda asked: (200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, gzip.compress(b'{"n":1}'))
        link = self.through(app("listens", "process_server", ", execution: longRunning"), interceptor("listens", ", phase: inbound"), compressed)
        answer = get(link.port(), "/link/api/x")
        self.assertEqual((answer.json(), answer.headers["x-processed"]), ({"count": 1, "direction": "inbound", "payload": {"n": 1}}, "yes"))

    def test_an_app_that_does_not_listen_is_given_the_envelope(self):
        for execution in ("perRequest", "pooled", "longRunning"):
            link = self.through(app("wraps", "wraps", f", execution: {execution}"), interceptor("wraps"))
            self.assertEqual(post(link.port(), "/link/api/x", {"n": 1}).status, 200)
            saw = json.loads(self.target.asked[0]["body"])
            self.assertEqual((saw["payload"], saw["direction"], saw["target"], saw["path"]), ({"n": 1}, "outbound", "api", "/x"), execution)
            link.close()

    def test_an_app_that_answers_line_by_line_is_given_the_envelope_as_a_line(self):
        link = self.through(app("lines", "ndjson", ", execution: longRunning, protocol: ndjson"), interceptor("lines"))
        for served in (1, 2):
            self.assertEqual(request(link.port(), "POST", "/link/api/x", b'{\n"n": 1}').status, 200)
            self.assertEqual(json.loads(self.target.asked[-1]["body"])["served"], served)

    def test_an_app_of_the_interceptors_own(self):
        for more in ("", ", execution: pooled, poolSize: 1", ", runtime: wazero"):
            link = self.through("", f"    interceptors:\n      - {{type: wasmer-app, config: {{module: {guest('wraps')}{more}}}}}\n")
            self.assertEqual(post(link.port(), "/link/api/x", {"n": 1}).status, 200)
            self.assertEqual(json.loads(self.target.asked[0]["body"])["payload"], {"n": 1})
            link.close()
        link = self.through("", "    interceptors:\n      - type: wasmer-app\n        config: "
                                f"{{module: {guest('process_server')}, execution: longRunning, healthCheck: /health}}\n")
        for count in (1, 2):
            self.assertEqual(post(link.port(), "/link/api/x", {"n": count}).status, 200)
            self.assertEqual(json.loads(self.target.asked[-1]["body"])["count"], count)
        self.assertEqual(link.stop(), 0)
        self.assertEqual(descendants(link.process.pid), set())

    def test_an_app_that_is_not_healthy_refuses_unless_it_may_fail(self):
        dies = app("dies", "exit_1", ", execution: longRunning, restart: never")
        link = self.through(dies, interceptor("dies"), ready=False)
        self.assertEqual(get(link.wait_log("metrics server starting")[0]["port"], "/readyz").status, 503)
        answer = post(link.port(), "/link/api/x", {})
        self.assertEqual((answer.status, answer.headers["retry-after"], self.target.asked), (503, "1", []))
        self.assertRegex(answer.text, r'^app "dies" is not healthy \(status: (starting|unhealthy|stopped)\)\n$')
        self.assertIn('app "dies" is not healthy (status: ', link.wait_log("interceptor failed")[0]["error"])
        link.close()
        link = self.through(dies, interceptor("dies", ", failOpen: true"), ready=False)
        self.assertEqual(post(link.port(), "/link/api/x", {"n": 1}).status, 200)
        self.assertEqual(json.loads(self.target.asked[0]["body"]), {"n": 1})
        self.assertTrue(link.wait_log("app interceptor failed, the event passes unchanged"))

    def test_an_app_that_takes_too_long_is_a_failure(self):
        link = self.through(app("loops", "loop", ", timeout: 100ms"), interceptor("loops"))
        self.assertEqual(post(link.port(), "/link/api/x", {}).status, 500)
        self.assertIn("wasm execution timeout after 100ms", link.wait_log("interceptor failed")[0]["error"])


class Starting(WasmerLinkCase):
    def ended(self, text, apps_text=None, env=None):
        """How a start that cannot be ends: its log, and what it says at last."""
        link = self.start(text, apps_text, ready=False, **(env or {}))
        self.assertEqual(link.wait(), 1)
        return link, link.errors.decode().splitlines()

    def test_it_says_that_it_starts(self):
        link = self.start("targets: []\n")
        self.assertEqual(link.log()[0]["msg"], "starting fiso-wasmer-link")

    def test_what_is_wrong_with_the_file_of_apps_is_told_in_these_words(self):
        _, said = self.ended("targets: []\n", env={"FISO_WASMER_CONFIG": "/no/such/apps.yaml"})
        self.assertEqual(said, ["error: read wasmer config: open /no/such/apps.yaml: No such file or directory"])
        _, said = self.ended("targets: []\n", "apps:\n  - {name: a, modul: b}\n")
        self.assertEqual(said[0], "error: parse wasmer config:")

    def test_an_app_that_cannot_start_ends_the_start_by_name(self):
        link, said = self.ended("targets: []\n", "apps:\n  - {name: bad, module: " + guest("no_start") + "}\n")
        self.assertTrue(said[-1].startswith("error: start wasmer app bad: "), said)
        [told] = link.log("failed to start wasmer app")
        self.assertEqual(f"error: {told['error']}", said[-1])


class Checking(WasmerLinkCase):
    def test_what_is_wrong_is_told_at_its_place(self):
        hello = "wasmer:\n  apps:\n" + app("hello", "hello_app")
        target = "  - {name: t, protocol: http, host: h, interceptors: [{type: wasmer-app, config: {%s}}]}\n"
        for text, place, why in (
                ("targets:\n" + to_app("t", "none") + hello, "2:5: targets[0]", 'there is no app "none" that answers requests'),
                ("targets:\n  - {name: t, protocol: app}\n" + hello, "targets[0]", "app is required for app protocol"),
                ("targets:\n" + to_app("t", "hello", ", host: h") + hello, "targets[0].host", "has no effect with `protocol: app`"),
                ("targets:\n" + target % "app: none" + hello, "targets[0].interceptors[0].config.app", 'there is no app "none" that answers requests (there are: hello)'),
                ("targets:\n" + target % "failOpen: true", "targets[0].interceptors[0].config", "module is required for wasmer-app interceptor"),
                ("targets:\n" + target % "app: hello, timeout: 1s" + hello, "config.timeout", "has no effect with `app`"),
                ("targets:\n" + target % "module: /not/there", "config.module", "No such file or directory"),
                ("targets:\n" + target % f"module: {guest('wraps')}, port: 1", "config.port", "unknown key"),
                ("wasmer:\n  apps:\n" + app("hello", "hello_app", ", memoryMB: 5000"), "wasmer.apps[0].memoryMB", "must be")):
            code, said = self.check(text)
            self.assertEqual(code, 1, text)
            self.assertIn(place, said)
            self.assertIn(why, said)
        self.assertEqual(self.check("targets:\n" + to_app("t", "hello") + hello), (0, ""))

    def test_what_only_compiling_finds_is_found_for_apps_too(self):
        broken = self.directory().path / "broken.wasm"
        broken.write_bytes(b"\0asm\1\0\0\0\x0a\x99garbage")
        for runtime in ("wazero", "wasmer"):
            apps = f"  - {{name: good, module: {guest('hello_app')}}}\n  - {{name: bad, module: {broken}, runtime: {runtime}}}\n"
            for code, said in (self.check("targets: []\nwasmer:\n  apps:\n" + apps), self.check("targets: []\n", apps_text="apps:\n" + apps)):
                self.assertEqual(code, 1)
                self.assertIn(f"app bad: module {broken}", said.splitlines()[-1])

    def test_apps_are_in_one_place_and_say_nothing_of_the_process(self):
        apps = "apps:\n" + app("hello", "hello_app").replace("    - ", "  - ")
        self.assertIn("they can be in one place", self.check("wasmer:\n  apps:\n" + app("hello", "hello_app"), apps_text=apps)[1])
        self.assertIn("belongs into the program's own file", self.check("targets: []\n", apps_text="shards: 1\n" + apps)[1])

    def test_fiso_link_runs_no_apps(self):
        said = self.check("targets:\n" + to_app("t", "hello") + "wasmer:\n  apps:\n" + app("hello", "hello_app"), FISO_LINK)[1]
        self.assertIn("this program runs no apps: use fiso-wasmer-link", said)
        self.assertIn("`protocol: app` needs fiso-wasmer-link", said)
        said = self.check(f"targets:\n  - {{name: t, protocol: http, host: h, interceptors: [{{type: wasmer-app, config: {{module: {guest('wraps')}}}}}]}}\n",
                          FISO_LINK)[1]
        self.assertIn('runtime "wasmer" is not in this program: use fiso-wasmer-link', said)


if __name__ == "__main__":
    main()
