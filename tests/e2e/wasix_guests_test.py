#!/usr/bin/env python3
"""WASIX programs as apps: threads, many connections in one thread, name look-ups, a real database; in every mode that they run in."""
import concurrent.futures
import shutil
import socket
import subprocess
import tempfile

from harness import ANY_PORT, ReservedPort, TestCase, descendants, get, main, poll, post, request
from wasmer_standalone_test import Apps, app_yaml

REFUSED = 63  # EPERM
TOO_MANY_THREADS = 2
LIVES_ON = "    execution: longRunning\n    memoryMB: 64\n"
POOLED = "    execution: pooled\n    poolSize: 2\n    memoryMB: 64\n"


def in_parallel(ports_and_paths):
    """The answers of GETs that are all under way at once."""
    with concurrent.futures.ThreadPoolExecutor(len(ports_and_paths)) as threads:
        return list(threads.map(lambda place: get(*place), ports_and_paths))


class WasixCase(TestCase):
    def apps(self, *apps, more=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + more)
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps


class Threads(WasixCase):
    def test_requests_are_answered_by_the_threads_of_one_guest(self):
        apps = self.apps(app_yaml("pool", LIVES_ON + "    env: {WORKERS: \"6\"}\n", "worker_pool"))
        port = apps.port("pool")
        self.assertEqual(get(port, "/primes/100000").json()["value"], 9592)
        # None is answered before all six are there, so six threads hold one each.
        met = [answer.json() for answer in in_parallel([(port, "/meet/6")] * 6)]
        self.assertEqual(sorted(answer["worker"] for answer in met), list(range(6)))
        self.assertEqual(get(port, "/all/8").json()["value"], 8000)
        self.assertEqual(len(descendants(apps.process.pid)), 1)
        self.assertEqual(apps.stop(), 0)

    def test_a_thread_that_leaves_or_traps_ends_the_guest_and_another_is_started(self):
        # The main thread waits for connections, is woken by that, and would leave with 12. 129 is what wasmer-wasix makes of a trap.
        ends = {"/exit/3": "module closed with exit_code(3)", "/trap": "wasm trap: unreachable", "/exit/0": "it left with 0",
                "/exit/45": "module closed with exit_code(45)", "/exit/129": "module closed with exit_code(129)"}
        apps = self.apps(*(app_yaml(f"pool{i}", LIVES_ON, "worker_pool") for i in range(len(ends))))
        for i, (path, reason) in enumerate(ends.items()):
            name = f"pool{i}"
            port = apps.port(name)
            self.assertEqual(get(port, path).status, 502)
            poll("another guest", lambda: get(port, "/primes/100").status == 200)
            self.assertEqual([entry["reason"] for entry in apps.log("app guest restarts") if entry["app"] == name], [reason])

    def test_threads_of_guests_that_run_once_per_request_are_counted(self):
        mounts = self.directory()
        data = f"    preopens: {{/data: {mounts.path}}}\n    memoryMB: 64\n"
        modes = {"fresh": data, "pool": data + "    execution: pooled\n    poolSize: 2\n"}
        apps = self.apps(*(app_yaml(name, more, "threads_app") for name, more in modes.items()),
                         app_yaml("few", data + "    threads: 3\n", "threads_app"),
                         app_yaml("many", data + "    threads: 190\n", "threads_app"))
        for name in modes:
            port = apps.port(name)
            self.assertEqual(get(port, "/threads/8").json(), {"started": 8, "sum": 8000, "errno": 0}, name)
            self.assertEqual(get(port, "/threads/30").json(), {"started": 16, "sum": 16000, "errno": TOO_MANY_THREADS}, name)
        self.assertEqual(get(apps.port("few"), "/threads/4").json(), {"started": 3, "sum": 3000, "errno": TOO_MANY_THREADS})
        many = get(apps.port("many"), "/threads/300").json()
        self.assertEqual((many["started"], many["errno"]), (190, TOO_MANY_THREADS))
        # Directories are there in every child, and the same ones.
        notes = [get(apps.port(name), "/note").json() for name in ("fresh", "pool", "fresh", "pool")]
        self.assertEqual(notes, [{"notes": n} for n in (1, 2, 3, 4)])
        answers = in_parallel([(apps.port(name), "/threads/8") for name in modes for _ in range(8)])
        self.assertEqual({answer.text for answer in answers}, {'{"started":8,"sum":8000,"errno":0}'})
        self.assertEqual(apps.stop(), 0)


class Files(WasixCase):
    def test_what_has_been_written_is_in_the_file_however_the_guest_ends(self):
        for runtime in ("wasmer", "wazero"):
            mount = self.directory()
            notes = mount.path / "notes"
            apps = self.apps(app_yaml("a", f"    runtime: {runtime}\n    timeout: 1s\n    preopens: {{/data: {mount.path}}}\n", "notes_app"))
            for count, path in enumerate(("/return", "/exit", "/return", "/exit", "/wait"), 1):
                self.assertEqual(get(apps.port("a"), path).status, 504 if path == "/wait" else 200)
                self.assertEqual((runtime, path, notes.stat().st_size), (runtime, path, 1000 * count))
            self.assertEqual(apps.stop(), 0)


class Connections(WasixCase):
    def test_one_thread_serves_many_connections_at_once(self):
        apps = self.apps(app_yaml("epoll", LIVES_ON, "epoll_server"))
        port = apps.port("epoll")
        idle = [self.closing(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
        for connection in idle:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Le")  # half a request holds up nobody
        met = in_parallel([(port, "/meet/12")] * 12)
        self.assertEqual({answer.text for answer in met}, {'{"met":12}\n'})
        self.assertGreater(get(port, "/").json()["connections"], 0)
        for connection in idle:
            connection.close()
        self.assertEqual(apps.stop(), 0)


class Names(WasixCase):
    def test_names_are_looked_up_unless_the_rules_say_no(self):
        apps = self.apps(app_yaml("open", LIVES_ON, "dns_client"), app_yaml("nodns", LIVES_ON + "    network: {dns: false}\n", "dns_client"),
                         app_yaml("none", LIVES_ON + "    network: {mode: none}\n", "dns_client"))
        found = get(apps.port("open"), "/localhost").json()
        self.assertEqual(found["errno"], 0)
        self.assertTrue({"127.0.0.1", "0:0:0:0:0:0:0:1"} & set(found["addresses"]), found)
        unknown = get(apps.port("open"), "/no-such-host.invalid").json()
        self.assertNotIn(unknown["errno"], (0, REFUSED))
        for name in ("nodns", "none"):
            self.assertEqual(get(apps.port(name), "/localhost").json(), {"errno": REFUSED, "addresses": []}, name)
            told = poll("it is told", lambda: [entry for entry in apps.log("app network attempt denied") if entry["app"] == name])
            self.assertEqual([entry["attempt"] for entry in told], ["look up localhost"])
        self.assertEqual(apps.stop(), 0)


class Redis:
    """A server of Debian's Redis, in memory only."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-redis-")
        self._reserved = ReservedPort()
        self.port = self._reserved.port
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                                         "--dir", self._folder.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        poll("redis answers", lambda: self.ask(b"PING") == b"+PONG\r\n")

    def ask(self, *words):
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(b" ".join(words) + b"\r\n")
                return connection.recv(4096)
        except OSError:
            return b""

    def stop(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.stop()
        self._reserved.close()
        self._folder.cleanup()


class Database(WasixCase):
    def setUp(self):
        self.assertTrue(shutil.which("redis-server"), "redis-server is not installed: run tools/setup.sh")
        self.redis = self.closing(Redis())

    def test_a_guest_keeps_its_data_in_a_real_redis(self):
        place = f"127.0.0.1:{self.redis.port}"
        open_to_it = LIVES_ON + f"    env: {{REDIS: \"{place}\"}}\n"
        apps = self.apps(app_yaml("front", open_to_it, "redis_client"),
                         app_yaml("listed", open_to_it + f"    network: {{allow: [\"{place}\"]}}\n", "redis_client"),
                         app_yaml("elsewhere", open_to_it + "    network: {allow: [\"127.0.0.1:1\"]}\n", "redis_client"))
        front = apps.port("front")
        self.assertEqual(get(front, "/get/colour").status, 404)
        value = "grün\r\n" * 1000
        self.assertEqual(post(front, "/set/colour", value.encode()).text, "OK")
        self.assertEqual(get(front, "/get/colour").text, value)
        self.assertEqual([post(front, "/incr/visits", b"").text for _ in range(3)], ["1", "2", "3"])
        self.assertEqual(self.redis.ask(b"GET", b"visits"), b"$1\r\n3\r\n")
        wrong = post(front, "/incr/colour", b"")
        self.assertEqual((wrong.status, wrong.text), (502, "ERR value is not an integer or out of range"))
        self.assertEqual(post(apps.port("listed"), "/incr/visits", b"").text, "4")
        self.assertEqual(get(apps.port("elsewhere"), "/get/visits").text, f"connect: errno {REFUSED}")
        self.assertEqual(request(front, "POST", "/incr/visits").text, "5")

        self.redis.stop()
        self.assertEqual(get(front, "/get/visits").status, 502)
        self.redis.start()
        self.assertEqual(get(front, "/get/visits").status, 404, "the guest connects again, the data was in memory")
        self.assertFalse(apps.log("app guest restarts"))
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
