#!/usr/bin/env python3
"""fiso-wasmer: apps behind ports of their own, on both engines."""
import json
import os
import re
import signal
import socket
import subprocess
import threading

from harness import (ANY_PORT, FISO_FLOW, FISO_WASMER, FISO_WASMER_HOST, PATIENCE, TestCase, descendants, end, environment, get, guest, main, poll,
                     post, request, run)


class Apps:
    """A running fiso-wasmer."""

    def __init__(self, *flags, env=None):
        self.flags = flags
        self.process = subprocess.Popen([FISO_WASMER, *map(str, flags)], env=environment(**(env or {})), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.lines, self.log_lines = [], []
        self._threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.log_lines))]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def check_alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"fiso-wasmer ended with {self.process.returncode}: {self.log_lines}")

    def wait_line(self, pattern):
        def found():
            self.check_alive()
            return next((match for match in map(re.compile(pattern).fullmatch, list(self.lines)) if match), None)
        return poll(pattern, found)

    def port(self, name):
        """Healthy or not: as it is said once it is healthy, or, where there is an admin port, as that shows it."""
        if not self.admin_is_there():
            return int(self.wait_line(rf"App {name} running at 127\.0\.0\.1:(\d+)")[1])
        return poll(f"{name} is there", lambda: next((app["port"] for app in self.admin("/apps").json() if app["name"] == name), None))

    def admin_is_there(self):
        return "-admin-addr" in self.flags

    def log(self, message):
        return [entry for entry in map(json.loads, list(self.log_lines)) if entry["msg"] == message]

    def admin(self, path):
        def there():
            self.check_alive()
            return self.log("metrics server starting")
        started = poll("the admin port", there)
        return get(started[0]["port"], path)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def close(self):
        if self.process.poll() is None:
            end(self.process)
            self.process.wait()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


def app_yaml(name, more="", module="hello_app"):
    return f"  - name: {name}\n    module: {guest(module)}\n{more}"


class CommandLine(TestCase):
    def test_a_port_is_one(self):
        for port in ("-1", "65536", "http"):
            ended = run(FISO_WASMER, "-module", guest("hello_app"), "-port", port, "-check")
            self.assertEqual(ended.returncode, 2, port)
            self.assertIn("--port", ended.stderr.decode())
        for port in ("0", "65535"):
            self.assertEqual(run(FISO_WASMER, "-module", guest("hello_app"), "-port", port, "-check").returncode, 0)


    def test_the_worker_program_is_named_by_an_option_or_the_environment(self):
        module = ("-module", guest("hello_app"))
        for flags, env in (((), {"FISO_WASMER_HOST": "/no/such/host"}), (("-wasmer-host", "/no/such/host"), {})):
            ended = run(FISO_WASMER, *module, *flags, env=environment(**env))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("/no/such/host", ended.stderr.decode())
        apps = self.closing(Apps(*module, "-wasmer-host", FISO_WASMER_HOST, env={"FISO_WASMER_HOST": "/no/such/host"}))
        self.assertEqual(get(apps.port("main"), "/hello").status, 200)
        self.assertEqual(apps.stop(), 0)
        self.assertEqual(run(FISO_FLOW, "-wasmer-host", FISO_WASMER_HOST).returncode, 2, "which has no use for it")


class Standalone(TestCase):
    def apps(self, *apps, more=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + more)
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def test_bodies_of_all_apps_together_are_bounded(self):
        apps = self.apps(app_yaml("a"), app_yaml("b"), more="http: {maxBodyBytes: 100KiB, maxTotalBodyBytes: 100KiB}\n")
        ports = [apps.port(name) for name in "ab"]
        body = b"x" * 90_000
        with socket.create_connection(("127.0.0.1", ports[0])) as held:
            held.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90001\r\n\r\n" + body)  # one byte is missing
            poll("the body is counted", lambda: "\nfiso_http_body_bytes 90000\n" in apps.admin("/metrics").text)
            for port in ports:
                answer = request(port, "POST", "/echo", body)
                self.assertEqual((answer.status, answer.text), (503, "too many request bodies are held\n"))
        poll("the body is given back", lambda: "\nfiso_http_body_bytes 0\n" in apps.admin("/metrics").text)
        self.assertNotEqual(request(ports[1], "POST", "/echo", body).status, 503)
        poll("all are logged, the one that was never completed too", lambda: len(apps.log("http request refused")) == 3)

    def test_apps_answer_on_both_engines_and_in_both_modes(self):
        modes = [f"    runtime: {runtime}\n    execution: {execution}\n    memoryMB: 64\n    env:\n      SERVER_NAME: e2e\n"
                 for runtime in ("wasmer", "wazero") for execution in ("perRequest", "pooled")]
        apps = self.apps(*(app_yaml(f"app{i}", mode) for i, mode in enumerate(modes)))
        for i in range(len(modes)):
            port = apps.port(f"app{i}")
            self.assertEqual(get(port, "/hello").json(), {"greeting": "hello", "server": "e2e", "version": "2.0.0"})
            echo = post(port, "/echo", {"message": "hello-world", "count": 42})
            self.assertEqual(echo.json(), {"received": {"message": "hello-world", "count": 42}, "echoed": True})
            self.assertEqual(get(port, "/nothing").status, 404)
            self.assertEqual(get(port, "/port").text, f"PORT={port}")
            self.assertEqual(get(port, "/home").text, "HOME=")  # the host's environment is nobody's
        self.assertEqual(apps.stop(), 0)
        self.assertEqual(apps.lines[-2:], ["Shutting down...", "Stopped"])
        self.assertIn("Started app app0", apps.lines)
        self.assertIn("Press Ctrl+C to stop", apps.lines)

    def test_what_a_guest_does_wrong_is_a_status(self):
        for runtime in ("wasmer", "wazero"):
            apps = self.apps(app_yaml("a", f"    runtime: {runtime}\n    timeout: 300ms\n"))
            port = apps.port("a")
            self.assertEqual((get(port, "/loop").status, get(port, "/loop").text), (504, "wasm execution timeout after 300ms\n"))
            self.assertEqual((get(port, "/trap").status, get(port, "/trap").text), (502, "wasm execution: wasm trap: unreachable\n"))
            self.assertEqual(get(port, "/bad").text, "decode wasm response: the status is not a number from 200 to 599\n")
            self.assertEqual(get(port, "/silent").text, "decode wasm response: unexpected end of JSON input\n")
            self.assertEqual(request(port, "GET", "/%zz").status, 400)
            self.assertEqual(get(port, "/hello").status, 200)
            self.assertTrue(apps.log("app request failed"))
            self.assertEqual(apps.stop(), 0)

    def test_health_is_asked_for_and_shown(self):
        apps = self.apps(app_yaml("good", "    healthCheck: /health\n    healthCheckInterval: 50ms\n"),
                         app_yaml("ill", "    healthCheck: /trap\n    healthCheckInterval: 50ms\n"))
        states = lambda: {app["name"]: app["state"] for app in apps.admin("/apps").json()}
        poll("the first is healthy", lambda: states().get("good") == "healthy")
        self.assertEqual(states()["ill"], "starting")
        self.assertEqual(apps.admin("/readyz").status, 503)
        answer = get(apps.port("ill"), "/hello")
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertIn('fiso_app_healthy{app="good"} 1', apps.admin("/metrics").text)
        self.assertEqual(apps.stop(), 0)

    def long_running(self, more="", module="counter_server"):
        apps = self.apps(app_yaml("counter", f"    execution: longRunning\n    memoryMB: 64\n{more}", module))
        return apps, apps.port("counter")

    def test_a_guest_that_lives_on_serves_its_own_port_and_keeps_its_state(self):
        apps, port = self.long_running("    healthCheck: /health\n    env: {COLOUR: green}\n    timeout: 500ms\n    healthCheckInterval: 50ms\n")
        self.assertEqual([get(port, "/").json()["count"] for _ in range(3)], [1, 2, 3])
        self.assertEqual(get(port, "/env/COLOUR").text, "green")
        self.assertEqual(get(port, "/env/PORT").text, str(port))
        self.assertEqual(post(port, "/echo", {"n": 1}).json(), {"n": 1})
        self.assertEqual(apps.admin("/apps").json()[0]["state"], "healthy")
        self.assertIn('fiso_app_mode{app="counter",declared="longRunning",effective="longRunning"} 1', apps.admin("/metrics").text)
        self.assertIn(f"counting on {port}", [entry["text"] for entry in apps.log("app stderr")])
        workers = descendants(apps.process.pid)
        self.assertEqual(len(workers), 1)
        self.assertEqual(apps.stop(), 0)
        self.assertFalse([pid for pid in workers if os.path.exists(f"/proc/{pid}")])

    def test_a_guest_that_ends_is_started_again_and_no_request_is_refused(self):
        apps, port = self.long_running()
        self.assertEqual(get(port, "/").json(), {"count": 1})
        for path in ("/exit/3", "/trap", "/exit/0"):
            self.assertEqual(get(port, path).status, 502)
            poll("another guest", lambda: get(port, "/").status == 200)
        reasons = [entry["reason"] for entry in apps.log("app guest restarts")]
        self.assertEqual(reasons, ["module closed with exit_code(3)", "wasm trap: unreachable", "it left with 0"])
        [worker] = descendants(apps.process.pid)
        os.kill(worker, signal.SIGKILL)
        poll("another guest", lambda: len(apps.log("app guest restarts")) == 4 and get(port, "/").status == 200)
        pauses = [entry["pause"] for entry in apps.log("app guest restarts")]
        self.assertEqual(pauses[0], "0s")
        for pause, usual in zip(pauses[1:], (1, 2, 4), strict=True):
            seconds = float(pause[:-2]) / 1000 if pause.endswith("ms") else float(pause[:-1])
            self.assertTrue(0.8 * usual <= seconds <= 1.2 * usual, pauses)
        self.assertEqual(apps.admin("/apps").json()[0]["restarts"], 4)
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_hangs_costs_a_status_and_is_replaced(self):
        apps, port = self.long_running("    timeout: 200ms\n    unhealthyThreshold: 2\n")
        late = get(port, "/hang")
        self.assertEqual((late.status, late.text), (504, "wasm execution timeout after 200ms\n"))
        self.assertEqual(get(port, "/").status, 504)
        poll("another guest", lambda: get(port, "/").status == 200)
        self.assertTrue(apps.log("app guest restarts"))
        self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_is_never_to_restart_stays_down(self):
        apps, port = self.long_running("    restart: never\n")
        self.assertEqual(get(port, "/exit/0").status, 502)
        poll("the end", lambda: apps.admin("/apps").json()[0]["state"] == "stopped")
        self.assertEqual(get(port, "/").status, 503)
        self.assertEqual(apps.stop(), 0)

    def test_the_memory_of_a_guest_that_lives_on_is_bounded(self):
        apps, port = self.long_running()
        mebibytes = get(port, "/fill").json()["mebibytes"]
        self.assertTrue(50 < mebibytes < 64, mebibytes)
        self.assertEqual(apps.stop(), 0)

    def test_kill_9_of_the_manager_leaves_no_guest(self):
        apps, port = self.long_running()
        self.assertEqual(get(port, "/").status, 200)
        workers = descendants(apps.process.pid)
        apps.process.kill()
        apps.process.wait()
        poll("the guests end", lambda: not [pid for pid in workers if os.path.exists(f"/proc/{pid}")])

    def test_one_module_needs_no_file(self):
        apps = self.closing(Apps("-module", guest("hello_app")))
        self.assertEqual(get(apps.port("main"), "/hello").status, 200)
        workers = descendants(apps.process.pid)
        self.assertEqual(apps.stop(), 0)
        self.assertTrue(workers)

    def test_wrong_use_is_explained(self):
        ended = run(FISO_WASMER)
        self.assertEqual(ended.returncode, 1)
        self.assertTrue(ended.stderr.decode().startswith("Error: either -config or -module is required\n"))
        ended = run(FISO_WASMER, "-config", "/no/such/apps.yaml")
        self.assertEqual((ended.returncode, ended.stderr.decode()),
                         (1, "Error reading config: open /no/such/apps.yaml: No such file or directory\n"))
        ended = run(FISO_WASMER, "-module", "/no/such.wasm")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("Error starting app: module path not accessible: /no/such.wasm", ended.stderr.decode())

    def assert_told(self, ended, error):
        """Lines of the log may come behind it."""
        [told] = [line for line in ended.stderr.decode().splitlines() if not line.startswith("{")]
        self.assertTrue(told.startswith(error), told)

    def test_a_start_that_fails_names_the_app_first(self):
        directory = self.directory()
        for runtime in ("wasmer", "wazero"):
            directory.write("apps.yaml", "apps:\n" + app_yaml("good", "    runtime: wazero\n") + app_yaml("bad", f"    runtime: {runtime}\n", "no_start"))
            ended = run(FISO_WASMER, "-config", directory.path / "apps.yaml")
            self.assertEqual((ended.returncode, ended.stdout.decode()), (1, "Started app good\n"))
            self.assert_told(ended, f"Error starting app bad: module {guest('no_start')}")
        ended = run(FISO_WASMER, "-module", guest("no_start"))
        self.assertEqual(ended.returncode, 1)
        self.assert_told(ended, f"Error starting app: module {guest('no_start')}")

    def test_an_app_is_said_to_run_once_it_is_healthy(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app_yaml("ill", "    execution: longRunning\n    healthCheck: /exit/9\n", "counter_server") +
                        app_yaml("good", "    execution: longRunning\n", "counter_server") + app_yaml("fresh"))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml"))
        apps.wait_line("Press Ctrl\\+C to stop")
        self.assertEqual(apps.lines[:3], ["Started app ill", "Started app good", "Started app fresh"])
        self.assertEqual([line.split(":")[0] for line in sorted(apps.lines[3:-1])],
                         ["App fresh running at 127.0.0.1", "App good running at 127.0.0.1", "App ill is not healthy"])
        self.assertEqual(apps.stop(), 0)

    def test_all_that_is_wrong_is_told_with_its_place(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n  - name: a\n    module: m\n    execution: longLiving\n  - module: m\n    port: 70000\n")
        ended = run(FISO_WASMER, "-config", directory.path / "apps.yaml", "-check")
        self.assertEqual(ended.returncode, 1)
        said = ended.stderr.decode()
        for line in ("apps.yaml:4:16: apps[0].execution: ", "apps.yaml:5:5: apps[1].name: app name is required", "apps.yaml:6:11: apps[1].port: "):
            self.assertIn(line, said)

    def test_modules_directories_and_pools_are_checked_too(self):
        directory = self.directory()
        directory.write("apps.yaml", f"""apps:
  - name: a
    module: /no/such.wasm
    preopens:
      /data: /no/such/directory
  - name: b
    module: {guest("text")}
    execution: pooled
    poolSize: 8
    memoryMB: 2048
  - name: c
    module: /no/such.wasm
    port: 70000
wasm:
  maxInstances: 8
  totalMemory: 1GiB
""")
        for flags in (["-check"], []):
            ended = run(FISO_WASMER, "-config", directory.path / "apps.yaml", *flags)
            self.assertEqual(ended.returncode, 1)
            said = ended.stderr.decode()
            for line in ("apps.yaml:3:13: apps[0].module: module path not accessible: /no/such.wasm (No such file or directory)",
                         'apps.yaml:5:7: apps[0].preopens["/data"]: preopen directory not accessible: /no/such/directory: No such file or directory',
                         f"apps.yaml:7:13: apps[1].module: module {guest('text')} cannot be used: it is not a WebAssembly binary",
                         "apps.yaml:9:15: apps[1].poolSize: poolSize 8 leaves no instance for others: wasm.maxInstances is 8",
                         "apps.yaml:10:15: apps[1].memoryMB: apps[1].memoryMB can never be reached: wasm.totalMemory is 1GiB",
                         "apps.yaml:13:11: apps[2].port"):
                self.assertIn(line, said)
        ended = run(FISO_WASMER, "-module", "/no/such.wasm", "-check")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("module path not accessible: /no/such.wasm", ended.stderr.decode())


if __name__ == "__main__":
    main()
