#!/usr/bin/env python3
"""fiso-wasmer-aio: what its file may say, and how flows, targets and apps reach each other inside the process."""
import pathlib
import re
import signal

from aio_harness import FISO_WASMER_AIO, Aio, AioCase, app_target_yaml, app_yaml, target_yaml
from harness import ANY_PORT, FISO_FLOW, SOURCE, ReservedPort, environment, flow_yaml, get, guest, http_sink, main, poll, post, request, run

LIGHT = ", runtime: wazero"
PRECISE = "errorHandling: {statusMode: precise}\n"


def to(url, name="orders", more="", **arguments):
    return flow_yaml(name, sink=http_sink(url, more), **arguments)


class Local(AioCase):
    def connected_ports(self):
        """Of this machine, that the process has TCP connections to."""
        found = set()
        own = {link.readlink().name for link in pathlib.Path(f"/proc/{self.aio.process.pid}/fd").iterdir() if link.is_symlink()}
        for line in pathlib.Path(f"/proc/{self.aio.process.pid}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "01" and f"socket:[{fields[9]}]" in own:  # established
                found.add(int(fields[2].rpartition(":")[2], 16))
        return found

    def test_a_flow_reaches_a_target_without_a_port_in_between(self):
        service = self.service()
        self.start({"orders": to("link://api/in?x=1", more="    headers: {X-Kind: order}\n")},
                   target_yaml("api", service.port, ", basePath: /v1, auth: {type: bearer, secretRef: {envVar: TOKEN}}"), TOKEN="open-sesame")
        self.assertEqual([post(self.aio.port(), "/orders", {"n": n}).status for n in range(3)], [200] * 3)
        self.assertEqual({asked["path"] for asked in service.asked}, {"/v1/in?x=1"})
        headers = service.headers()
        self.assertEqual((headers["authorization"], headers["x-kind"], headers["content-type"]),
                         ("Bearer open-sesame", "order", "application/cloudevents+json"))
        self.assertEqual(self.aio.metric("fiso_link_requests_total", target="api", status="200"), 3)
        self.assertIn(service.port, self.connected_ports())
        self.assertNotIn(self.aio.link_port, self.connected_ports())
        self.assertEqual(self.aio.books(), (3, 3, 0, 0))
        self.assertEqual(self.aio.stop(), 0)

    def test_a_flow_reaches_an_app_by_its_name_and_so_does_a_target(self):
        self.start({"one": to("app://hello/echo", "one", path="/one"), "two": to("link://hello/echo", "two", path="/two"),
                    "not": to("app://hello/elsewhere", "not", path="/not", more="    timeout: 10s\n")},
                   app_target_yaml("hello", "hello"), app_yaml("hello", "hello_app", LIGHT))
        self.assertEqual([post(self.aio.port(), path, "{}").status for path in ("/one", "/two", "/one", "/two")], [200] * 4)
        self.assertEqual(self.aio.metric("fiso_app_requests_total", app="hello", status="2xx"), 4)
        self.assertEqual(self.aio.metric("fiso_link_requests_total", target="hello", status="200"), 2)
        self.assertEqual(post(self.aio.port(), "/not", "{}").status, 500)
        self.assertEqual(self.aio.metric("fiso_app_requests_total", app="hello", status="4xx"), 1)
        self.assertEqual(self.connected_ports() & {self.aio.link_port, self.aio.app_port("hello")}, set())
        self.assertEqual(get(self.aio.app_port("hello"), "/hello").status, 200)  # others have the port
        self.assertEqual(self.aio.stop(), 0)

    def test_an_app_that_lives_on_gets_streams(self):
        self.start({"orders": to("app://counter/")}, "", app_yaml("counter", "counter_server", ", execution: longRunning, healthCheck: /health"))
        self.assertEqual([post(self.aio.port(), "/orders", "{}").status for _ in range(2)], [200, 200])
        self.assertEqual(get(self.aio.app_port("counter"), "/").json()["count"], 3)
        self.assertNotIn(self.aio.app_port("counter"), self.connected_ports())

    def test_statuses_are_those_that_a_port_would_give(self):
        status = [200]
        service = self.service(lambda asked: (status[0], {"Retry-After": "0"}, b"" if status[0] == 204 else b"said"))
        port = self.closing(ReservedPort()).port
        retries = "errorHandling: {maxRetries: 2, statusMode: precise}\n"
        self.files_of({"by_name": to("link://api/x", "by_name", path="/name", more="").replace("sink:", retries + "sink:"),
                       "by_port": to(f"http://127.0.0.1:{port}/link/api/x", "by_port", path="/port").replace("sink:", retries + "sink:"),
                       "late": to("link://slow/x", "late", path="/late", more="    timeout: 200ms\n").replace("sink:", PRECISE + "sink:")},
                      target_yaml("api", service.port) + target_yaml("slow", self.service(lambda asked: None).port, ", timeout: 30s"))
        self.write_link(target_yaml("api", service.port) + target_yaml("slow", self.closing(self.silent()).port), f'listenAddr: "127.0.0.1:{port}"\n')
        self.run_aio()
        for status[0] in (200, 204, 302, 400, 404, 429, 500, 503):
            asked = len(service.asked)
            by_name = post(self.aio.port(), "/name", "{}")
            times = len(service.asked) - asked
            by_port = post(self.aio.port(), "/port", "{}")
            self.assertEqual((by_name.status, times), (by_port.status, len(service.asked) - asked - times), status[0])
            self.assertEqual(by_name.text.replace("by_name", "by_port"), by_port.text)
        self.assertEqual(post(self.aio.port(), "/late", "{}").status, 504)
        self.assertEqual(self.aio.stop(), 0)

    def silent(self):
        place = ReservedPort()
        place.listen()
        return place

    def test_interceptors_of_flows_ask_apps_by_name(self):
        events = self.sink()
        text = flow_yaml(sink=http_sink(events.url)).replace("sink:", "interceptors:\n  - {type: wasmer-app, config: {app: process}}\nsink:", 1)
        self.start({"orders": text}, "", app_yaml("process", "process_server", ", execution: longRunning"))
        self.assertEqual(post(self.aio.port(), "/orders", {"n": 1}).status, 200)
        self.assertEqual(len(events.received), 1)
        self.assertEqual(self.aio.metric("fiso_app_requests_total", app="process", status="2xx"), 1)

    def test_what_has_gone_is_a_failure_that_may_be_tried_again(self):
        service = self.service()
        self.start({"orders": to("link://api/", ).replace("sink:", PRECISE + "sink:"), "apps": to("app://hello/echo", "apps", path="/apps")
                    .replace("sink:", PRECISE + "sink:")}, target_yaml("api", service.port), app_yaml("hello", "hello_app", LIGHT))
        asks = lambda: [post(self.aio.port(), path, "{}").status for path in ("/orders", "/apps")]
        self.assertEqual(asks(), [200, 200])
        self.write_link(target_yaml("other", service.port))
        self.write_apps(app_yaml("else", "hello_app", LIGHT))
        self.verdict("link", 2)
        poll("the app has gone", lambda: [app["name"] for app in get(self.aio.admin_port, "/apps").json()] == ["else"])
        self.assertEqual(asks(), [502, 502])
        for name in ("link://api: not there", "app://hello: not there"):
            poll(f"{name} is logged", lambda: any(name in entry["error"] for entry in self.aio.log() if "error" in entry))
        self.write_link(target_yaml("api", service.port))
        self.write_apps(app_yaml("hello", "hello_app", LIGHT))
        poll("both are back", lambda: asks() == [200, 200])
        self.assertEqual(self.aio.stop(), 0)

    def run_aio(self, **env):
        self.aio = self.closing(Aio(self.folder / "aio.yaml", **env))
        return self.aio.wait_ready()


class Changes(AioCase):
    def test_a_flow_its_target_and_its_app_may_come_in_any_order(self):
        self.start({"orders": flow_yaml()})
        self.flows.write("more.yaml", to("link://hello/echo", "more", path="/more"))
        verdict = self.verdict("flows", 2)
        self.assertEqual(verdict["status"], "failed")
        self.assertRegex(verdict["error"], r'more.yaml:\d+:\d+: sink.config.url: sink.config.url "link://hello/echo": there is no target "hello"')
        self.write_apps(app_yaml("hello", "hello_app", LIGHT))
        self.verdict("apps", 2)
        self.write_link(app_target_yaml("hello", "hello"))
        self.verdict("link", 2)
        poll("the flow has come by itself", lambda: post(self.aio.port(), "/more", "{}").status == 200)
        self.assertEqual(self.aio.reload_state()["flows"]["status"], "ok")

    def test_each_part_keeps_what_it_had_when_its_file_is_wrong(self):
        service = self.service()
        self.start({"orders": to("link://api/")}, target_yaml("api", service.port), app_yaml("hello", "hello_app", LIGHT))
        good = lambda: (post(self.aio.port(), "/orders", "{}").status, get(self.aio.link_port, "/link/api/").status,
                        get(self.aio.app_port("hello"), "/hello").status)
        self.write_apps("    - {name: hello}\n")
        self.assertIn("module path is required", self.verdict("apps", 2)["error"])
        self.write_link("  - {name: api, protocol: gopher}\n")
        self.assertIn("protocol", self.verdict("link", 2)["error"])
        self.flows.write("orders.yaml", "name: [")
        self.assertEqual(self.verdict("flows", 2)["status"], "failed")
        self.assertEqual(good(), (200, 200, 200))
        self.assertEqual([self.aio.reload_state()[part]["generation"] for part in ("apps", "link", "flows")], [1, 1, 1])
        self.write_apps(app_yaml("hello", "hello_app", LIGHT + ", env: {SERVER_NAME: new}"))
        self.assertEqual(self.verdict("apps", 3)["status"], "ok")
        self.assertEqual(get(self.aio.app_port("hello"), "/hello").json()["server"], "new")

    def test_what_takes_a_restart_is_named(self):
        self.start({"orders": flow_yaml()}, "", app_yaml("hello", "hello_app", LIGHT))
        self.write_apps(app_yaml("hello", "hello_app", LIGHT), "shards: 1\nshutdownTimeout: 9s\nhttp: {maxConnections: 77}\n")
        self.assertEqual(self.verdict("apps", 2)["restart_needed"], ["shards", "http.maxConnections"])
        text = (self.folder / "aio.yaml").read_text().replace(str(self.flows.path), "/elsewhere").replace("shards: 1\n", "")
        self._replace("aio.yaml", text.replace("configPath: ", "listenAddr: 127.0.0.1:1, configPath: "))
        self.assertEqual(self.verdict("apps", 3)["restart_needed"], ["flow.configDir", "link.listenAddr", "http.maxConnections"])
        self.aio.signal(signal.SIGHUP)
        self.assertEqual(self.verdict("apps", 4)["status"], "ok")
        self.assertEqual((self.verdict("link", 2)["status"], self.verdict("flows", 2)["status"]), ("ok", "ok"))


class Files(AioCase):
    def refused(self, *expected, **env):
        code, said = self.check(**env)
        self.assertEqual(code, 1, said)
        for text in expected:
            self.assertIn(text, said)
        started = run(FISO_WASMER_AIO, "-config", self.folder / "aio.yaml", env=environment(**env))
        self.assertEqual((started.returncode, started.stderr.decode()), (code, said))
        return said

    def test_all_that_is_wrong_with_any_file_is_told_at_once(self):
        self.files_of({"orders": to("app://nobody/x", "orders"), "third": to("app://hello/x", "third", path="/third", more="    tls: {caFile: x}\n"),
                       "other": flow_yaml("other", more="unknown: 1\n")},
                      "  - {name: api, protocol: http, host: h, timeout: soon}\n", app_yaml("hello", "hello_app", LIGHT))
        self.refused("link.yaml:3:", 'there is no app "nobody" that answers requests (there are: hello)', "sink.config.tls has an effect with an https url only",
                            'other.yaml:9:1: unknown: unknown key "unknown"')

    def test_the_file_itself(self):
        for text, expected in (("flow: {configDir: 7}\n", "aio.yaml:1:19: flow.configDir"), ("flows: {}\n", 'unknown key "flows"'),
                               ("flow: {metricsAddr: nowhere}\n", 'flow.metricsAddr "nowhere" is not an address'),
                               ("link: {listenAddr: ':1'}\n", "link: without configPath there is no link"),
                               ("wasmer: {apps: [{name: a, module: /none.wasm}]}\n", "module path not accessible: /none.wasm"),
                               ("wasmer: {apps: [{name: a}]}\n", "module path is required")):
            self.files_of({"orders": flow_yaml()})
            self._replace("aio.yaml", text)
            self.refused(expected, FISO_CONFIG_DIR=self.flows.path)

    def test_a_part_that_is_configured_and_missing_is_an_error(self):
        self.files_of({"orders": flow_yaml()})
        (self.folder / "link.yaml").unlink()
        self.refused(f"open {self.folder}/link.yaml: No such file or directory")
        self.files_of({})
        self.refused("no flow definitions found in")
        self.refused("read config dir /nowhere", FISO_CONFIG_DIR="/nowhere")

    def test_what_is_for_the_whole_process_is_in_its_own_file(self):
        self.files_of({"orders": flow_yaml()})
        self.flows.write("fiso.yaml", "shards: 2\n")
        self.write_link("", f"listenAddr: '{ANY_PORT}'\nmetricsAddr: ':1234'\nshards: 1\nhttp: {{maxConnections: 5}}\nwasmer: {{apps: []}}\n")
        self.refused("fiso.yaml: what it says is for the whole process", "metricsAddr: the process has one admin port, at 127.0.0.1:0: leave this out",
                     "shards is for the whole process", "http is for the whole process",
                     f"wasmer: apps are described in {self.folder}/aio.yaml already")

    def test_a_link_file_may_name_the_same_admin_port(self):
        self.files_of({"orders": flow_yaml()})
        self.write_link("", f"listenAddr: '{ANY_PORT}'\nmetricsAddr: '{ANY_PORT}'\n")
        self.assertEqual(self.check(), (0, ""))

    def test_names_that_are_not_there(self):
        self.files_of({"orders": to("link://api/x")}, None)
        self.refused("there is no link in this process: name its file in link.configPath")
        self.files_of({"orders": to("link://api/x")}, target_yaml("crm", 1))
        self.refused('there is no target "api" (there are: crm)')
        self.files_of({"orders": to("app://tcp/x")}, None, app_yaml("tcp", "echo_server", ", execution: longRunning, listen: tcp"))
        self.refused('there is no app "tcp" that answers requests (there are: none)')
        self.files_of({"orders": to("app:///x"), "more": to("link://a b", "more")}, None)
        self.refused("expected app://NAME/PATH", "it has a character that no URL has")

    def test_programs_without_those_parts_say_what_to_use(self):
        for url, instead in (("link://api/x", "fiso-link"), ("app://hello", "the app")):
            files = self.directory(orders=to(url))
            done = run(FISO_FLOW, "-config-dir", files.path, "-check")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f'sink.config.url "{url}": this program has flows only: use fiso-wasmer-aio, or the http:// address of {instead}',
                          done.stderr.decode())

    def test_flows_cannot_have_the_links_port(self):
        port = self.closing(ReservedPort())
        self.files_of({"orders": flow_yaml(address=port.address)})
        self.write_link("", f"listenAddr: '{port.address}'\n")
        self.refused(f"takes the port of {port.address}, which is the link's")


    def test_the_file_of_the_guide_is_valid(self):
        text = re.search(r"```yaml\n(# aio.yaml\n.*?)```", (SOURCE / "docs/aio-guide.md").read_text(), re.S)[1]
        self.files_of({"orders": flow_yaml()})
        text = text.replace("/etc/fiso/flows", str(self.flows.path)).replace("/etc/fiso/link/config.yaml", f"{self.folder}/link.yaml")
        self._replace("aio.yaml", text.replace("/etc/fiso/wasm/processor.wasm", guest("lines_app")))
        self.assertEqual(self.check(), (0, ""))

    def test_sinks_of_the_guide_are_valid(self):
        for url in re.findall(r"^    url: (\S+)", (SOURCE / "docs/aio-guide.md").read_text(), re.M):
            self.files_of({"orders": to(url)}, target_yaml("crm", 1), app_yaml("processor", "hello_app"))
            self.assertEqual(self.check(), (0, ""), url)


class Keys(AioCase):
    def test_each_key_of_the_file_has_its_effect(self):
        link, admin, app = (self.closing(ReservedPort()) for _ in range(3))
        service = self.service()
        self.files_of({"orders": flow_yaml()}, target_yaml("api", service.port))
        self._replace("aio.yaml", f"""
flow: {{configDir: {self.flows.path}, metricsAddr: "{admin.address}"}}
link: {{configPath: {self.folder}/link.yaml, listenAddr: "{link.address}"}}
wasmer:
  defaultPortRange: {{min: {app.port}, max: {app.port}}}
  apps:
{app_yaml("hello", "hello_app", LIGHT)}shards: 3
shutdownTimeout: 17s
http: {{maxHeaderBytes: 2KiB}}
wasm: {{maxInstances: 7}}
network: {{mode: none}}
""")
        self.aio = self.closing(Aio(self.folder / "aio.yaml", FISO_METRICS_ADDR=None)).wait_ready()
        self.assertEqual((self.aio.admin_port, self.aio.link_port, self.aio.app_port("hello")), (admin.port, link.port, app.port))
        self.assertEqual(get(link.port, "/link/api/").status, 200)
        threads = {path.read_text().strip() for path in pathlib.Path(f"/proc/{self.aio.process.pid}/task").glob("*/comm")}
        self.assertEqual({name for name in threads if name.startswith("shard-")}, {"shard-0", "shard-1", "shard-2"})
        long = {"X-Long": "x" * 3000}
        self.assertEqual([request(port, "POST", path, "{}", long).status for port, path in
                          ((self.aio.port(), "/orders"), (link.port, "/link/api/"), (app.port, "/echo"))], [431] * 3)
        self.assertEqual(self.aio.stop(), 0)

    def test_guests_keep_to_the_network_and_the_memory_of_the_process(self):
        self.files_of({"orders": flow_yaml(module=guest("enrich"), interceptor="      memoryLimit: 64MiB\n")}, None,
                      app_yaml("hello", "hello_app", LIGHT), "wasm: {totalMemory: 32MiB}\n")
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("totalMemory", said)


class CommandLine(AioCase):
    def test_the_environment_wins_over_the_file(self):
        service = self.service()
        self.files_of({"orders": flow_yaml()}, None)
        other = self.directory(other=flow_yaml("other", path="/other"))
        other.write("link", f"listenAddr: '{ANY_PORT}'\ntargets:\n{target_yaml('api', service.port)}")
        self.aio = self.closing(Aio(self.folder / "aio.yaml", FISO_CONFIG_DIR=other.path, FISO_LINK_CONFIG=other.path / "link")).wait_ready()
        self.assertEqual([post(self.aio.port(), path, "{}").status for path in ("/orders", "/other")], [404, 200])
        self.assertEqual(get(self.aio.link_port, "/link/api/").status, 200)

    def test_without_a_link_file_there_is_no_link(self):
        self.start({"orders": flow_yaml()}, None)
        self.assertEqual(post(self.aio.port(), "/orders", "{}").status, 200)
        self.assertEqual((self.aio.log("fiso-link started"), sorted(self.aio.reload_state())), ([], ["apps", "flows"]))
        self.assertEqual(self.aio.stop(), 0)

    def test_ready_means_all_parts_are(self):
        self.start({"orders": flow_yaml()}, "", app_yaml("ill", "hello_app", LIGHT + ", healthCheck: /nowhere"), ready=False)
        self.aio.wait_log("all components started")
        answer = get(self.aio.admin_port, "/readyz")
        self.assertEqual((answer.status, answer.json()["status"]), (503, "not ready"))
        self.assertEqual(post(self.aio.port(), "/orders", "{}").status, 200)

    def test_flags(self):
        self.files_of({"orders": flow_yaml()})
        said = run(FISO_WASMER_AIO, "-check", env=environment(FISO_AIO_CONFIG=self.folder / "aio.yaml"))
        self.assertEqual((said.returncode, said.stdout.decode()), (0, f"{self.folder}/aio.yaml: ok\n"))
        nowhere = run(FISO_WASMER_AIO, "-check", "-config", "/nowhere.yaml", env=environment(FISO_AIO_CONFIG=self.folder / "aio.yaml"))
        self.assertEqual((nowhere.returncode, nowhere.stderr.decode()), (1, "error: read config: open /nowhere.yaml: No such file or directory\n"))
        default = run(FISO_WASMER_AIO, "-check")
        self.assertIn("/etc/fiso/aio/config.yaml", default.stderr.decode())
        self.assertRegex(run(FISO_WASMER_AIO, "-version").stdout.decode(), r"^fiso-wasmer-aio \d")
        helps = run(FISO_WASMER_AIO, "-help").stdout.decode()
        for word in ("FISO_AIO_CONFIG", "flow.configDir", "link.configPath", "wasmer.apps", "FISO_METRICS_ADDR", "-check"):
            self.assertIn(word, helps)
        self.assertEqual(run(FISO_WASMER_AIO, "-nonsense").returncode, 2)


if __name__ == "__main__":
    main()
