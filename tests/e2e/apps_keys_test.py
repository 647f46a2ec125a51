#!/usr/bin/env python3
"""Every key of apps.yaml has an effect: a test shows it, here or where SHOWN says."""
import pathlib
import re
import socket
import threading

from harness import ANY_PORT, FISO_WASMER, PATIENCE, SOURCE, ReservedPort, TestCase, environment, get, large_module, main, poll, post, request, run
from wasmer_standalone_test import Apps, app_yaml

HERE = pathlib.Path(__file__)
LIGHT = "    runtime: wazero\n    memoryMB: 64\n"
LIVES_ON = "    execution: longRunning\n    memoryMB: 64\n"

# By key, where its effect is shown: FILE: TEST.
SHOWN = {
    "apps[].name": "wasmer_standalone: test_health_is_asked_for_and_shown",
    "apps[].module": "apps_reload: test_a_module_with_another_content_is_another_app",
    "apps[].runtime": "app_use: test_parked_guests_have_memory",
    "apps[].execution": "app_use: test_parked_guests_have_memory",
    "apps[].port": "apps_keys: test_ports_and_the_range_for_those_that_name_none",
    "apps[].listen": "tcp_app: test_bytes_pass_both_ways_from_the_first_moment_on",
    "apps[].listenAddr": "apps_keys: test_an_app_answers_where_it_is_told_to",
    "apps[].memoryMB": "wasmer_standalone: test_the_memory_of_a_guest_that_lives_on_is_bounded",
    "apps[].timeout": "wasmer_standalone: test_what_a_guest_does_wrong_is_a_status",
    "apps[].input": "apps_keys: test_the_input_comes_as_it_is_asked_for",
    "apps[].args": "lines_app: test_a_guest_that_speaks_of_ids_answers_in_any_order",
    "apps[].env": "apps_keys: test_the_environment_comes_from_where_it_says_and_is_shown_nowhere",
    "apps[].preopens": "python_guest: test_a_script_reads_its_directory_and_cannot_write_there",
    "apps[].poolSize": "app_use: test_parked_guests_have_memory",
    "apps[].maxRequests": "apps_keys: test_a_pooled_guest_that_loops_serves_so_many_requests",
    "apps[].threads": "wasix_guests: test_threads_of_guests_that_run_once_per_request_are_counted",
    "apps[].network.mode": "guest_network: test_a_policy_of_all_holds_where_an_app_says_nothing_else",
    "apps[].network.allow": "guest_network: test_a_policy_of_all_holds_where_an_app_says_nothing_else",
    "apps[].network.dns": "wasix_guests: test_names_are_looked_up_unless_the_rules_say_no",
    "apps[].network.sockets": "wasix_hostile: test_each_limit_holds_alone",
    "apps[].network.listen": "tcp_app: test_a_guest_serves_further_ports_as_public_ones",
    "apps[].healthCheck": "wasmer_standalone: test_health_is_asked_for_and_shown",
    "apps[].healthCheckInterval": "app_health: test_probes_come_at_their_interval_and_so_many_failures_in_a_row_are_one_too_many",
    "apps[].healthCheckTimeout": "app_health: test_a_probe_that_is_not_answered_ends_at_its_own_time",
    "apps[].unhealthyThreshold": "app_health: test_probes_come_at_their_interval_and_so_many_failures_in_a_row_are_one_too_many",
    "apps[].startTimeout": "app_health: test_one_that_does_not_listen_in_time_is_started_again",
    "apps[].restart": "apps_keys: test_on_failure_starts_again_what_failed_only",
    "apps[].protocol": "lines_app: test_a_guest_that_shall_speak_http_and_does_not_is_told_so",
    "apps[].stdio": "lines_app: test_declared_by_either_key",
    "apps[].maxInFlight": "lines_app: test_requests_beyond_max_in_flight_wait_and_are_turned_away",
    "apps[].idleTimeout": "websocket: test_a_silent_tunnel_outlives_the_timeout_of_requests_but_not_its_own",
    "defaultPortRange.min": "apps_keys: test_ports_and_the_range_for_those_that_name_none",
    "defaultPortRange.max": "apps_keys: test_ports_and_the_range_for_those_that_name_none",
    "shards": "apps_keys: test_so_many_shards_serve",
    "shutdownTimeout": "websocket: test_a_stop_ends_tunnels",
    "network.mode": "guest_network: test_a_policy_of_all_holds_where_an_app_says_nothing_else",
    "network.allow": "guest_network: test_a_list_for_all_is_an_allow_list",
    "network.sockets": "wasix_hostile: test_sockets_of_all_guests_are_bounded_in_one_place",
    "network.dns": "guest_network: test_a_list_for_all_is_an_allow_list",
    "wasm.maxInstances": "apps_keys: test_instances_of_all_apps_are_bounded_and_so_is_the_queue_for_them",
    "wasm.instanceQueue": "apps_keys: test_instances_of_all_apps_are_bounded_and_so_is_the_queue_for_them",
    "wasm.totalMemory": "apps_keys: test_the_memory_of_all_guests_together_is_bounded",
    "wasm.maxStack": "apps_keys: test_the_stack_of_guests_is_bounded_on_both_engines",
    "wasm.compile.cpu": "apps_keys: test_compiling_is_bounded_on_both_engines",
    "wasm.compile.memory": "apps_keys: test_compiling_is_bounded_on_both_engines",
    "http.maxConnections": "apps_keys: test_connections_are_bounded",
    "http.maxHeaderBytes": "apps_keys: test_requests_are_bounded",
    "http.maxHeaders": "apps_keys: test_requests_are_bounded",
    "http.maxBodyBytes": "apps_keys: test_requests_are_bounded",
    "http.maxTotalBodyBytes": "wasmer_standalone: test_bodies_of_all_apps_together_are_bounded",
    "http.headerTimeout": "apps_keys: test_clients_that_are_too_slow_are_cut",
    "http.bodyTimeout": "apps_keys: test_clients_that_are_too_slow_are_cut",
    "http.idleTimeout": "apps_keys: test_clients_that_are_too_slow_are_cut",
    "http.writeTimeout": "apps_keys: test_a_client_that_does_not_take_its_answer_is_cut",
}


class Complete(TestCase):
    def test_every_key_is_shown_by_a_test_that_there_is(self):
        reference = (SOURCE / "docs/apps-reference.md").read_text()
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", reference, re.MULTILINE)
        keys = {key for key, kind in rows if ("." in key or key in ("shards", "shutdownTimeout")) and kind.strip() != "map"}
        self.assertEqual(keys, set(SHOWN))
        for key, where in SHOWN.items():
            file, test = where.split(": ")
            self.assertIn(f"    def {test}(self):", HERE.with_name(f"{file}_test.py").read_text(), key)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Keys(TestCase):
    def write(self, *apps, more=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + more)
        return directory.path / "apps.yaml"

    def apps(self, *apps, more="", **env):
        apps = self.closing(Apps("-config", self.write(*apps, more=more), "-admin-addr", ANY_PORT, env=env))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps

    def shown(self, apps):
        return {app["name"]: app for app in apps.admin("/apps").json()}


class OfAnApp(Keys):
    def test_an_app_answers_where_it_is_told_to(self):
        own, all_ = self.closing(ReservedPort()).port, self.closing(ReservedPort()).port
        apps = self.apps(app_yaml("own", f"{LIGHT}    listenAddr: 127.0.0.2\n    port: {own}\n"), app_yaml("all", f"{LIGHT}    port: {all_}\n"),
                         FISO_APPS_LISTEN="127.0.0.3")
        for name, address in (("own", "127.0.0.2"), ("all", "127.0.0.3")):
            port = int(apps.wait_line(rf"App {name} running at {address}:(\d+)")[1])
            for other in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
                with socket.socket() as probe:
                    self.assertEqual(probe.connect_ex((other, port)) == 0, other == address, (name, other))
        self.assertEqual(apps.stop(), 0)

    def test_an_address_may_be_one_of_ipv6(self):
        if not has_ipv6():
            self.skipTest("no IPv6 here")
        apps = self.apps(app_yaml("own", f"{LIGHT}    listenAddr: '::1'\n"), app_yaml("all", LIGHT), FISO_APPS_LISTEN="[::1]")
        for name in ("own", "all"):
            port = int(apps.wait_line(rf"App {name} running at \[::1\]:(\d+)")[1])
            with socket.create_connection(("::1", port)) as client:
                client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertTrue(client.recv(12).startswith(b"HTTP/1.1 200"))
        self.assertEqual(apps.stop(), 0)

    def test_what_is_no_address_is_refused_before_anything_starts(self):
        for wrong in ("999.1.1.1", "localhost", "127.0.0.1:80"):
            for check in ((), ("-check",)):
                ended = run(FISO_WASMER, "-config", self.write(app_yaml("a", LIGHT)), *check, env=environment(FISO_APPS_LISTEN=wrong))
                self.assertEqual((ended.returncode, ended.stderr.decode()),
                                 (1, f"Error FISO_APPS_LISTEN: \"{wrong}\" is not an IP address, such as 0.0.0.0 or ::1\n"))
            ended = run(FISO_WASMER, "-config", self.write(app_yaml("a", f"{LIGHT}    listenAddr: {wrong}\n")), "-check")
            self.assertEqual(ended.returncode, 1)
            self.assertIn(f'apps[0].listenAddr "{wrong}" is not an IP address', ended.stderr.decode())

    def test_what_a_guest_is_told_fits_into_one_message(self):
        env = lambda size: "    env:\n" + "".join(f"      V{i}: \"{'x' * 1000}\"\n" for i in range(size))
        good = self.write(app_yaml("a", env(180)))
        self.assertEqual(run(FISO_WASMER, "-config", good, "-check").returncode, 0)
        apps = self.closing(Apps("-config", good))
        self.assertEqual(get(apps.port("a"), "/hello").status, 200)
        self.assertEqual(apps.stop(), 0)
        ended = run(FISO_WASMER, "-config", self.write(app_yaml("a", env(200))), "-check")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr.decode(), r"apps.yaml:\d+:\d+: apps\[0\].env: .* 184KiB together with `runtime: wasmer`")

    def test_ports_and_the_range_for_those_that_name_none(self):
        named, free = self.closing(ReservedPort()).port, self.closing(ReservedPort()).port
        one = f"defaultPortRange: {{min: {free}, max: {free}}}\n"
        apps = self.apps(app_yaml("named", f"{LIGHT}    port: {named}\n"), app_yaml("given", LIGHT), more=one)
        self.assertEqual({name: app["port"] for name, app in self.shown(apps).items()}, {"named": named, "given": free})
        self.assertEqual(get(named, "/port").text, f"PORT={named}")
        self.assertEqual(apps.stop(), 0)
        ended = run(FISO_WASMER, "-config", self.write(app_yaml("a", LIGHT), app_yaml("b", LIGHT), more=one))
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"Error starting app b: allocate port: no available ports in range {free}-{free}", ended.stderr.decode())

    def test_the_environment_comes_from_where_it_says_and_is_shown_nowhere(self):
        files = self.directory()
        (files.path / "token").write_text("of-a-file\n")
        env = f"    env:\n      PLAIN: in-the-clear\n      NAMED: {{fromEnv: E2E_TOKEN}}\n      FILED: {{fromFile: {files.path}/token}}\n"
        secrets = {"PLAIN": "in-the-clear", "NAMED": "of-the-host", "FILED": "of-a-file"}
        apps = self.apps(app_yaml("a", LIVES_ON + env, "counter_server"), E2E_TOKEN="of-the-host", FISO_LOG_LEVEL="debug")
        port = apps.port("a")
        for name, value in secrets.items():
            self.assertEqual(get(port, f"/env/{name}").text, value)
        self.assertEqual(get(port, "/env/E2E_TOKEN").text, "", "the host's environment is nobody's")
        told = "\n".join([apps.admin("/apps").text, apps.admin("/metrics").text, apps.admin("/reload").text])
        self.assertEqual(apps.stop(), 0)
        told += "\n".join(apps.lines + apps.log_lines)
        file = self.write(app_yaml("a", LIVES_ON + env + "      BAD NAME=: x\n", "counter_server"))
        check = run(FISO_WASMER, "-config", file, "-check")
        self.assertEqual(check.returncode, 1)
        said = check.stderr.decode()
        self.assertRegex(said, r"apps\.yaml:\d+:\d+: apps\[0\]\.env.*E2E_TOKEN")
        for value in secrets.values():
            self.assertNotIn(value, told + said)

    def test_on_failure_starts_again_what_failed_only(self):
        apps = self.apps(app_yaml("a", LIVES_ON + "    restart: on-failure\n", "counter_server"))
        port = apps.port("a")
        poll("it answers", lambda: get(port, "/").status == 200)
        self.assertEqual(get(port, "/exit/3").status, 502)
        poll("another guest", lambda: get(port, "/").status == 200)
        self.assertEqual(get(port, "/exit/0").status, 502)
        poll("it stays down", lambda: self.shown(apps)["a"]["state"] == "stopped")
        self.assertEqual(self.shown(apps)["a"]["restarts"], 1)
        self.assertEqual(apps.stop(), 0)

    def test_a_pooled_guest_that_loops_serves_so_many_requests(self):
        for runtime in ("wasmer", "wazero"):
            pooled = f"    runtime: {runtime}\n    execution: pooled\n    poolSize: 1\n    memoryMB: 64\n"
            apps = self.apps(app_yaml("one", pooled, "lines_app"), app_yaml("three", pooled + "    maxRequests: 3\n", "lines_app"), more="shards: 1\n")
            for name, most in (("one", 1), ("three", 3)):
                counts = [get(apps.port(name), "/count").json()["count"] for _ in range(12)]
                self.assertEqual(max(counts), most, (runtime, name, counts))
            self.assertEqual(apps.stop(), 0)


    def test_the_input_comes_as_it_is_asked_for(self):
        for runtime in ("wasmer", "wazero"):
            texts = {"auto": ("", 2), "stdin": ("    input: stdin\n", 0), "file": ("    input: stdin-file\n", 2),
                     "other-args": ("    args: [x]\n", 1), "args-and-file": ("    args: [x]\n    input: stdin-file\n", 3)}
            apps = self.apps(*(app_yaml(name, f"    runtime: {runtime}\n{more}") for name, (more, _) in texts.items()))
            for name, (_, count) in texts.items():
                self.assertEqual((runtime, name, get(apps.port(name), "/args").text), (runtime, name, str(count)))
            self.assertEqual(apps.stop(), 0)


class OfAll(Keys):
    def test_so_many_shards_serve(self):
        for shards in (1, 3):
            apps = self.apps(app_yaml("a", LIGHT), more=f"shards: {shards}\n")
            tasks = pathlib.Path(f"/proc/{apps.process.pid}/task")
            names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
            self.assertEqual(sum(name.startswith("shard-") for name in names), shards, names)
            self.assertEqual(apps.stop(), 0)

    def test_instances_of_all_apps_are_bounded_and_so_is_the_queue_for_them(self):
        for runtime in ("wasmer", "wazero"):
            text = f"    runtime: {runtime}\n    timeout: 1s\n    memoryMB: 64\n"
            for queue, turned_away in (("", 0), ("  instanceQueue: 0\n", 1)):
                apps = self.apps(app_yaml("a", text), app_yaml("b", text), more=f"shards: 1\nwasm:\n  maxInstances: 1\n{queue}")
                ports = apps.port("a"), apps.port("b")
                statuses = []
                loops = threading.Thread(target=lambda port=ports[0]: statuses.append(get(port, "/loop").status))
                loops.start()
                poll("it has the only place", lambda: 'fiso_app_instances{app="a"} 1' in apps.admin("/metrics").text)
                other = get(ports[1], "/hello").status
                loops.join()
                self.assertEqual((runtime, statuses, other), (runtime, [504], 503 if turned_away else 200))
                self.assertEqual(apps.stop(), 0)

    def test_the_memory_of_all_guests_together_is_bounded(self):
        for runtime, module in (("wasmer", "counter_server"), ("wazero", "accept_server")):
            text = f"    runtime: {runtime}\n{LIVES_ON}"
            apps = self.apps(app_yaml("a", text, module), app_yaml("b", text, module), more="wasm: {totalMemory: 80MiB}\n")
            ports = apps.port("a"), apps.port("b")
            self.assertGreater(get(ports[0], "/fill").json()["mebibytes"], 50)
            status = get(ports[1], "/fill")
            self.assertTrue(status.status != 200 or status.json()["mebibytes"] < 30, (runtime, status.text))
            self.assertEqual(apps.stop(), 0)

    def test_so_is_that_of_guests_with_threads(self):
        apps = self.apps(*(app_yaml(name, LIVES_ON, "hostile_server") for name in "ab"), more="wasm: {totalMemory: 80MiB}\n")
        self.assertGreater(get(apps.port("a"), "/memory").json()["done"], 50)
        poll("it is counted", lambda: self.shown(apps)["a"]["memoryBytes"] > 50 << 20)
        get(apps.port("b"), "/memory")
        [told] = poll("the other is ended", lambda: apps.log("app guest restarts"))
        self.assertEqual(told["app"], "b")
        self.assertEqual((self.shown(apps)["a"]["restarts"], apps.stop()), (0, 0))

    def test_the_stack_of_guests_is_bounded_on_both_engines(self):
        for more, text in (("", "decode wasm response: unexpected end of JSON input\n"),
                           ("wasm: {maxStack: 64KiB}\n", "wasm execution: wasm trap: call stack exhausted\n")):
            apps = self.apps(*(app_yaml(runtime, f"    runtime: {runtime}\n", "recurse_2000") for runtime in ("wasmer", "wazero")), more=more)
            for runtime in ("wasmer", "wazero"):
                answer = get(apps.port(runtime), "/")
                self.assertEqual((runtime, answer.status, answer.text), (runtime, 502, text))
            self.assertEqual(apps.stop(), 0)

    def test_compiling_is_bounded_on_both_engines(self):
        directory = self.directory()
        (directory.path / "large.wasm").write_bytes(large_module())
        for runtime in ("wasmer", "wazero"):
            for limits, told in (("cpu: 1s", "1 s of CPU time"), ("memory: 64MiB", "64MiB of memory")):
                text = f"  - name: large\n    module: {directory.path}/large.wasm\n    runtime: {runtime}\n"
                ended = run(FISO_WASMER, "-config", self.write(text, more=f"wasm:\n  compile: {{{limits}}}\n"))
                self.assertEqual(ended.returncode, 1, (runtime, limits))
                [said] = [line for line in ended.stderr.decode().splitlines() if line.startswith("Error starting app large: ")]
                self.assertIn(f"compiling it takes more than {told}", said, runtime)


class OfHttp(Keys):
    def start(self, http, module="hello_app", mode=LIGHT):
        apps = self.apps(app_yaml("a", mode, module), more=f"shards: 1\nhttp: {http}\n")
        return apps, apps.port("a")

    def connect(self, port):
        return self.closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))

    def test_connections_are_bounded(self):
        apps, port = self.start("{maxConnections: 2}")
        open_ones = [self.connect(port) for _ in range(2)]
        for connection in open_ones:
            connection.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(get(port, "/hello").status, 503)
        for connection in open_ones:
            connection.close()
        poll("there is room again", lambda: get(port, "/hello").status == 200)
        self.assertEqual(apps.stop(), 0)

    def test_requests_are_bounded(self):
        apps, port = self.start("{maxHeaderBytes: 2KiB, maxHeaders: 10, maxBodyBytes: 1KiB}")
        self.assertEqual(request(port, "GET", "/hello", headers={"X-A": "a" * 1000}).status, 200)
        self.assertEqual(request(port, "GET", "/hello", headers={"X-A": "a" * 3000}).status, 431)
        self.assertEqual(request(port, "GET", "/hello", headers={f"X-{i}": "1" for i in range(11)}).status, 431)
        self.assertEqual(post(port, "/echo", b'"' + b"a" * 1000 + b'"').status, 200)
        self.assertEqual(post(port, "/echo", b'"' + b"a" * 1100 + b'"').status, 413)
        self.assertEqual(apps.stop(), 0)

    def test_clients_that_are_too_slow_are_cut(self):
        for key, sent, status in (("headerTimeout", b"GET / HTTP/1.1\r\nHo", b" 408 "),
                                  ("bodyTimeout", b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", b" 408 "),
                                  ("idleTimeout", b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", b" 200 ")):
            apps, port = self.start(f"{{{key}: 50ms}}")
            connection = self.connect(port)
            connection.sendall(sent)
            answer = b""
            while part := connection.recv(4096):
                answer += part
            self.assertIn(status, answer.split(b"\r\n")[0], key)
            self.assertEqual(apps.stop(), 0)

    def test_a_client_that_does_not_take_its_answer_is_cut(self):
        apps, port = self.start("{writeTimeout: 100ms}")
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.closing(connection).connect(("127.0.0.1", port))
        body = b'"' + b"a" * 9_000_000 + b'"'
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        poll("it is answered", lambda: 'fiso_app_requests_total{app="a",status="2xx"} 1' in apps.admin("/metrics").text)
        poll("it is cut", lambda: "\nfiso_http_connections 0\n" in apps.admin("/metrics").text)
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
