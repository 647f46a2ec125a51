#!/usr/bin/env python3
"""Editing apps.yaml: what is valid takes effect for the apps that changed, what is not leaves all as it was, no request notices."""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import socket

from harness import (ANY_PORT, FISO_WASMER, PATIENCE, ReservedPort, TestCase, answers, descendants, get, guest, large_module, main, poll,
                     post, repeats, request, run)
from load import Load
from wasmer_standalone_test import Apps, app_yaml

LIGHT = "    runtime: wazero\n    memoryMB: 64\n"
LIVES_ON = f"{LIGHT}    execution: longRunning\n"
WORKER = "    execution: longRunning\n    memoryMB: 64\n"


def live(name="live", colour="green", port=0, more="", kind=LIVES_ON, module="accept_server"):
    return app_yaml(name, f"{kind}    port: {port}\n    env: {{COLOUR: {colour}}}\n{more}", module)


def worker(name="worker", colour="green", port=0, more=""):
    return live(name, colour, port, more, WORKER, "counter_server")


def fresh(name="fresh", server="one", port=0, more=""):
    return app_yaml(name, f"{LIGHT}    port: {port}\n    env: {{SERVER_NAME: {server}}}\n{more}")


class ReloadCase(TestCase):
    def start(self, *apps, settings=""):
        self.files = self.directory()
        self.write(*apps, settings=settings)
        self.apps = self.closing(Apps("-config", self.files.path / "apps.yaml", "-admin-addr", ANY_PORT))
        self.apps.wait_line("Press Ctrl\\+C to stop")
        self.attempts = 1
        poll("all are healthy", lambda: self.apps.admin("/readyz").status == 200)
        return self.apps

    def write(self, *apps, settings=""):
        self.files.write("apps.yaml", "apps:\n" + "".join(apps) + settings)

    def change(self, *apps, settings=""):
        self.write(*apps, settings=settings)
        return self.verdict()

    def verdict(self):
        self.attempts += 1

        def state():
            verdict = self.apps.admin("/reload").json()
            return verdict if verdict["attempts"] >= self.attempts else None
        return poll(f"verdict {self.attempts}", state)

    def assert_taken(self, verdict):
        self.assertEqual(verdict["status"], "ok", verdict)

    def shown(self):
        return {app["name"]: app for app in self.apps.admin("/apps").json()}

    def port(self, name):
        return self.shown()[name]["port"]

    def colour(self, name="live"):
        return get(self.port(name), "/env/COLOUR").text

    def reserve(self):
        return self.closing(ReservedPort()).port

    def metric(self, series):
        lines = self.apps.admin("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series + " ")), None)

    def gone(self, pids):
        poll("they end", lambda: not [pid for pid in pids if os.path.exists(f"/proc/{pid}")])

    def assert_stops(self):
        left = descendants(self.apps.process.pid)
        self.assertEqual(self.apps.stop(), 0, self.apps.log_lines[-5:])
        self.gone(left)


class Triggers(ReloadCase):
    def setUp(self):
        self.start(live())

    def test_a_file_that_is_written_in_place_is_read(self):
        (self.files.path / "apps.yaml").write_text("apps:\n" + live(colour="red"))
        self.assert_taken(self.verdict())
        self.assertEqual(self.colour(), "red")

    def test_links_as_kubernetes_makes_them_are_followed(self):
        folder, file = self.files.path, self.files.path / "apps.yaml"
        for name, colour in (("..1", "green"), ("..2", "red")):
            (folder / name).mkdir()
            (folder / name / "apps.yaml").write_text("apps:\n" + live(colour=colour))
        (folder / "..data").symlink_to("..1")
        (folder / "aside").symlink_to("..data/apps.yaml")
        (folder / "aside").rename(file)
        self.assert_taken(self.verdict())
        (folder / "..next").symlink_to("..2")
        (folder / "..next").rename(folder / "..data")
        self.assert_taken(self.verdict())
        self.assertEqual(self.colour(), "red")

    def test_sighup_and_post_read_again_and_change_nothing(self):
        port = self.port("live")
        self.assertEqual(get(port, "/").json(), {"count": 1})
        self.apps.process.send_signal(signal.SIGHUP)
        self.assert_taken(self.verdict())
        self.assertEqual(request(self.apps.log("metrics server starting")[0]["port"], "POST", "/reload").status, 202)
        self.assertEqual(self.verdict()["generation"], 3)
        self.assertEqual(get(port, "/").json(), {"count": 2})
        self.assertEqual(self.metric('fiso_config_reloads_total{result="ok"}'), 2)
        self.assertEqual(self.apps.log("config change detected")[0]["file"], str(self.files.path / "apps.yaml"))
        self.assertEqual(self.apps.log("app replaced"), [])


class Changes(ReloadCase):
    def test_only_what_changed_is_replaced(self):
        self.start(live(), worker(), fresh(), live("other"), worker("third"))
        kept = ("other", "third")
        for count in (1, 2):
            self.assertEqual([get(self.port(name), "/").json()["count"] for name in kept], [count, count])
        ports = {name: app["port"] for name, app in self.shown().items()}
        before = descendants(self.apps.process.pid)
        self.assertEqual(len(before), 2)
        self.assert_taken(self.change(live("other"), live(colour="red"), worker(colour="red"), fresh(server="two"), worker("third")))
        self.assertEqual([self.colour("live"), self.colour("worker")], ["red", "red"])
        self.assertEqual(get(self.port("fresh"), "/hello").json()["server"], "two")
        self.assertEqual([get(self.port(name), "/").json()["count"] for name in kept], [3, 3])
        self.assertEqual({name: app["port"] for name, app in self.shown().items()}, ports)
        self.assertEqual({entry["app"] for entry in self.apps.log("app replaced")}, {"live", "worker", "fresh"})
        poll("the old guest ends", lambda: len(descendants(self.apps.process.pid)) == 2)
        self.assertEqual(len(descendants(self.apps.process.pid) & before), 1)
        for name in ports:
            self.assertEqual(self.metric(f'fiso_app_healthy{{app="{name}"}}'), 1)
        mode = 'fiso_app_mode{app="live",declared="longRunning",effective="longRunning"}'
        poll("one guest is counted", lambda: self.metric(mode) == 1)
        self.assert_stops()

    def test_counters_of_a_changed_app_go_on_and_open_connections_too(self):
        self.start(live())
        port = self.port("live")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            def ask():
                connection.sendall(b"GET /env/COLOUR HTTP/1.1\r\nHost: x\r\n\r\n")
                data = b""
                while not data.endswith((b"green", b"red")):
                    data += connection.recv(4096) or b"closed"
                return data.rsplit(b"\r\n", 1)[1]
            self.assertEqual(ask(), b"green")
            self.assert_taken(self.change(live(colour="red")))
            self.assertEqual(ask(), b"red")
        self.assertEqual(self.metric('fiso_app_requests_total{app="live",status="2xx"}'), 2)

    def test_what_is_under_way_is_finished_by_the_guest_that_began_it(self):
        self.start(live())
        port = self.port("live")
        self.assertEqual(get(port, "/").json(), {"count": 1})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            poll("nothing is under way", lambda: self.connections() == 0)
            slow = pool.submit(get, port, "/slow/1000")
            poll("it is under way", lambda: self.connections() == 1)
            self.assert_taken(self.change(live(colour="red")))
            self.assertEqual(get(port, "/").json(), {"count": 1})
            self.assertEqual(slow.result().json(), {"count": 2})
        self.assert_stops()

    def connections(self):
        return self.metric("fiso_http_connections")

    def test_an_app_that_is_gone_is_closed_and_one_that_is_new_answers(self):
        self.start(live(), worker())
        old, workers = self.port("worker"), descendants(self.apps.process.pid)
        self.assertIn('app="worker"', self.apps.admin("/metrics").text)
        self.assert_taken(self.change(live(), fresh()))
        self.assertEqual(set(self.shown()), {"live", "fresh"})
        poll("it answers", lambda: answers(self.port("fresh"), "/hello"))
        poll("the port is closed", lambda: not answers(old, "/health"))
        self.gone(workers)
        poll("its series go", lambda: 'app="worker"' not in self.apps.admin("/metrics").text)
        self.assert_taken(self.change(live(), fresh(), worker()))
        poll("it is back", lambda: self.shown()["worker"]["state"] == "healthy")
        self.assertEqual(get(self.port("worker"), "/").json(), {"count": 1})
        self.assert_stops()

    def test_ports_move_and_are_swapped(self):
        one, two, three = self.reserve(), self.reserve(), self.reserve()
        self.start(live("a", "a", one), live("b", "b", two))
        self.assert_taken(self.change(live("a", "a", three), live("b", "b", two)))
        self.assertEqual(self.colours(two, three), ["b", "a"])
        self.assertEqual(get(three, "/env/PORT").text, str(three))
        poll("the old port is closed", lambda: not answers(one, "/health"))
        self.assert_taken(self.change(live("a", "a", two), live("b", "b", three)))
        self.assertEqual(self.colours(two, three), ["a", "b"])
        self.assert_taken(self.change(live("a", "a", two), live("c", "c", three)))
        poll("the one that took the port", lambda: self.colours(two, three) == ["a", "c"])
        self.assert_taken(self.change(live("a", "a", two, "    listenAddr: 127.0.0.2\n"), live("c", "c", three)))
        poll("the old address is closed", lambda: not answers(two, "/health"))
        self.assertEqual({app["state"] for app in self.shown().values()}, {"healthy"})
        self.assert_stops()

    @staticmethod
    def colours(*ports):
        return [get(port, "/env/COLOUR").text for port in ports]

    def test_a_port_can_change_what_it_carries(self):
        port = self.reserve()
        self.start(fresh("a", port=port))
        for _ in range(2):
            self.assertEqual(get(port, "/hello").status, 200)
            self.assert_taken(self.change(live("a", port=port)))
            self.assertEqual(get(port, "/").json(), {"count": 1})
            self.assert_taken(self.change(app_yaml("a", f"{WORKER}    listen: tcp\n    port: {port}\n", "echo_server")))
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall(b"no HTTP")
                self.assertEqual(connection.recv(7), b"no HTTP")
                self.assert_taken(self.change(fresh("a", port=port)))
        self.assert_stops()

    def test_connections_that_are_no_http_end_with_the_guest_they_lead_to(self):
        tcp = f"{WORKER}    listen: tcp\n    port: {self.reserve()}\n"
        self.start(app_yaml("echo", tcp, "echo_server"), settings="shutdownTimeout: 300ms\n")
        old = socket.create_connection(("127.0.0.1", self.port("echo")), timeout=PATIENCE)
        with old:
            old.sendall(b"one")
            self.assertEqual(old.recv(3), b"one")
            before = descendants(self.apps.process.pid)
            self.assert_taken(self.change(app_yaml("echo", tcp + "    env: {NEW: '1'}\n", "echo_server"),
                                          settings="shutdownTimeout: 300ms\n"))
            with socket.create_connection(("127.0.0.1", self.port("echo")), timeout=PATIENCE) as new:
                new.sendall(b"two")
                self.assertEqual(new.recv(3), b"two")
                self.assertEqual(old.recv(1), b"")
                self.gone(before)
                new.sendall(b"three")
                self.assertEqual(new.recv(5), b"three")
        self.assert_stops()

    def test_a_module_with_another_content_is_another_app(self):
        self.files = self.directory()
        module = pathlib.Path(self.files.path) / "app.wasm"
        shutil.copy(guest("hello_app"), module)
        apps = self.closing(Apps("-module", module, "-admin-addr", ANY_PORT))
        port, self.apps, self.attempts = apps.port("main"), apps, 1
        self.assertEqual(get(port, "/hello").status, 200)
        apps.process.send_signal(signal.SIGHUP)
        self.assert_taken(self.verdict())
        self.assertEqual(apps.log("app replaced"), [])
        shutil.copy(guest("lines_app"), module.with_suffix(".new"))
        module.with_suffix(".new").rename(module)
        apps.process.send_signal(signal.SIGHUP)
        self.assert_taken(self.verdict())
        self.assertEqual(len(apps.log("app replaced")), 1)
        self.assert_stops()


class Verdicts(ReloadCase):
    def test_an_invalid_file_leaves_all_as_it_was(self):
        taken = self.closing(ReservedPort())
        taken.listen()
        self.start(live(), fresh())
        broken = live(more="    unknown: 1\n") + app_yaml("none", module="nonexistent")
        for failed, text in enumerate((broken, live("live") + live("live"), live(colour="red") + fresh(port=taken.port), None), 1):
            if text is None:
                self.files.write("apps.yaml", "")
            verdict = self.change(text) if text is not None else self.verdict()
            self.assertEqual((verdict["status"], verdict["generation"]), ("failed", 1))
            self.assertEqual(self.metric('fiso_config_reloads_total{result="failed"}'), failed)
            self.assertEqual((self.colour(), get(self.port("fresh"), "/hello").status), ("green", 200))
        told = poll("they are told", lambda: len(errors := self.apps.log("failed to load config, the old one stays")) == 4 and errors)
        self.assertRegex(told[0]["error"], r'apps.yaml:\d+:\d+: apps\[0\].unknown: unknown key "unknown"')
        self.assertRegex(told[0]["error"], r"apps.yaml:\d+:\d+: .*nonexistent.wasm")
        self.assertEqual(told[2]["error"], f"starting app fresh: listen 127.0.0.1:{taken.port}: address already in use")
        self.write(broken)
        check = run(FISO_WASMER, "-config", self.files.path / "apps.yaml", "-check")
        self.assertEqual(check.stderr.decode(), f"Error {told[0]['error']}\n")
        self.verdict()
        self.assert_taken(self.change(live(colour="red"), fresh()))
        self.assertEqual(self.colour(), "red")
        self.assert_stops()

    def test_one_that_does_not_become_healthy_stays_as_it_was_and_the_others_change(self):
        self.start(live(), worker(), fresh())
        self.assertEqual([get(self.port(name), "/").json()["count"] for name in ("live", "worker")], [1, 1])
        before = descendants(self.apps.process.pid)
        never = "    healthCheck: /exit/3\n    startTimeout: 400ms\n"
        verdict = self.change(live(colour="red"), worker(more=never), fresh(server="two"))
        self.assertEqual((verdict["status"], verdict["error"]), ("failed", "starting app worker: not healthy after 400ms"))
        self.assertEqual([get(self.port(name), "/").json()["count"] for name in ("live", "worker")], [1, 2])
        self.assertEqual((self.colour(), get(self.port("fresh"), "/hello").json()["server"]), ("red", "two"))
        [told] = self.apps.log("config reloaded in part, what is told here stays as it was")
        self.assertEqual(told["error"], verdict["error"])
        poll("the new guest is gone", lambda: descendants(self.apps.process.pid) == before)
        self.assertEqual(self.metric('fiso_app_healthy{app="worker"}'), 1)
        verdict = self.change(live(colour="red"), worker(more="    restart: never\n    healthCheck: /exit/3\n"), fresh(server="two"))
        self.assertEqual(verdict["error"], "starting app worker: its guest ended")
        self.assertEqual(self.apps.log("failed to load config, the old one stays")[-1]["error"], verdict["error"])
        self.assert_taken(self.change(live(colour="red"), worker(colour="red"), fresh(server="two")))
        self.assert_stops()

    def test_one_that_does_not_come_up_holds_up_nobody(self):
        self.start(live(), worker())
        self.write(live(colour="red"), worker(more="    healthCheck: /exit/3\n    startTimeout: 24h\n"), fresh())
        poll("the other is changed", lambda: self.colour() == "red")
        poll("one that is new answers", lambda: "fresh" in self.shown() and answers(self.port("fresh"), "/hello"))
        self.assertEqual(self.colour("worker"), "green")
        self.assertEqual(self.apps.admin("/reload").json()["attempts"], 1, "the change is not through")
        self.attempts += 1
        self.assert_taken(self.change(live(colour="red"), worker(colour="red"), fresh()))
        [told] = self.apps.log("config reloaded in part, what is told here stays as it was")
        self.assertEqual(told["error"], "another change came before the apps were healthy")
        self.assertEqual(self.colour("worker"), "red")
        self.assert_stops()

    def test_a_change_that_is_not_healthy_yet_is_overtaken(self):
        self.start(live())
        self.write(live(more="    healthCheck: /exit/3\n"))
        poll("it has begun", lambda: self.apps.log("app guest restarts"))
        self.write(live(colour="red"))
        self.attempts += 1
        self.assert_taken(self.verdict())
        self.assertEqual(self.colour(), "red")
        [told] = self.apps.log("failed to load config, the old one stays")
        self.assertEqual(told["error"], "another change came before the apps were healthy")
        self.assert_stops()

    def test_settings_that_need_a_restart_are_told(self):
        self.start(live(), settings="shards: 1\n")
        verdict = self.change(live(colour="red"), settings="shards: 2\nhttp: {maxBodyBytes: 1MiB}\nshutdownTimeout: 5s\n")
        self.assert_taken(verdict)
        self.assertEqual(verdict["restart_needed"], ["shards", "http.maxBodyBytes"])
        self.assertEqual([entry["key"] for entry in self.apps.log("setting has changed and takes effect at the next start")],
                         ["shards", "http.maxBodyBytes"])
        self.assertEqual(self.colour(), "red")

    def test_a_stop_ends_a_reload(self):
        self.start(worker())
        self.write(worker(more="    healthCheck: /exit/3\n"))
        poll("it has begun", lambda: self.apps.log("app guest restarts"))
        self.assert_stops()

    def test_a_stop_ends_a_start_that_compiles(self):
        directory = self.directory()
        (directory.path / "large.wasm").write_bytes(large_module())
        apps = self.closing(Apps("-module", directory.path / "large.wasm"))
        poll("it compiles", lambda: descendants(apps.process.pid))
        self.assertEqual(apps.stop(), 0)
        poll("it says so", lambda: apps.lines[-1:] == ["Stopped"])

    def test_a_stop_ends_a_reload_that_compiles(self):
        self.start(worker())
        (self.files.path / "large.wasm").write_bytes(large_module())
        before = descendants(self.apps.process.pid)
        self.write(worker(), f"  - name: large\n    module: {self.files.path}/large.wasm\n")
        poll("it compiles", lambda: descendants(self.apps.process.pid) - before)
        self.assert_stops()


class UnderLoad(ReloadCase):
    def test_no_request_fails_while_good_and_bad_configurations_follow_each_other(self):
        ports = [self.reserve() for _ in range(4)]

        def apps(round_):
            return (live(colour=f"c{round_}", port=ports[0]), worker(colour=f"c{round_}", port=ports[1]),
                    fresh(server=f"s{round_}", port=ports[2]), live("kept", port=ports[3]))
        self.start(*apps(0))
        loads = [self.closing(Load(port, "/echo", clients=2)) for port in ports[:3]] + [self.closing(Load(ports[3], "/", clients=1))]
        rounds = repeats(20, 200)
        for round_ in range(1, rounds + 1):
            if round_ % 4 == 3:
                self.assertEqual(self.change("  - name: [\n")["status"], "failed")
                continue
            self.assert_taken(self.change(*apps(round_)))
            self.assertEqual([get(port, "/env/COLOUR").text for port in ports[:2]], [f"c{round_}"] * 2)
            self.assertEqual(get(ports[2], "/hello").json()["server"], f"s{round_}")
        for load in loads:
            load.stop()
            self.assertEqual((load.cut, list(load.statuses)), ([], [200]), load.statuses)
        self.assertEqual(get(ports[3], "/").json()["count"], loads[3].answered + 1)
        poll("one worker is left", lambda: len(descendants(self.apps.process.pid)) == 1)
        self.assert_stops()


if __name__ == "__main__":
    main()
