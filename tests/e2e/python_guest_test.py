#!/usr/bin/env python3
"""CPython as a guest: plain scripts as interceptors and as apps, from a read-only directory."""
import os
import threading
import unittest

from harness import (ANY_PORT, FISO, FISO_FLOW, FISO_FLOW_WASMER, SOURCE, Flow, TestCase, flow_yaml, get, guest, http_sink, main,
                     missing_guests, poll, post, run)
from wasmer_standalone_test import Apps

SCRIPTS = SOURCE / "guests/python"
ORDER = {"order_id": "12345", "amount": 99.99}


def script(name, indent):
    """The keys that interceptors and apps give a script by."""
    return "".join(" " * indent + line for line in (f"args: [/scripts/{name}]\n", f'preopens: {{/scripts: "{SCRIPTS}:ro"}}\n'))


@unittest.skipIf(missing_guests("python"), "CPython was not fetched by tools/setup.sh")
class PythonGuest(TestCase):
    @classmethod
    def setUpClass(cls):
        # Once, for all that start servers here; a cached module is loaded in milliseconds.
        for runtime in ("wasmer", "wazero"):
            compiled = run(FISO, "module", "compile", "--runtime", runtime, guest("python"))
            assert compiled.returncode == 0, compiled.stderr


class Interceptor(PythonGuest):
    def serve_python(self, more="", runtime="wasmer", program=FISO_FLOW_WASMER):
        self.events = self.sink()
        text = flow_yaml(module=guest("python"), interceptor=f"      runtime: {runtime}\n" + script("enrich.py", 6) + more,
                         sink=http_sink(self.events.url))
        return self.closing(Flow(self.directory(orders=text), program=program)).wait_ready()

    def served(self):
        return [event["data"]["served"] for event in self.events.events()]

    def test_a_fresh_one_enriches_an_event(self):
        flow = self.serve_python()
        for _ in range(3):
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual([event["data"] for event in self.events.events()], [{**ORDER, "python": "3.12", "served": 1}] * 3)
        self.assertEqual(self.events.received[0][1]["x-python"], "yes")
        self.assertEqual(self.events.events()[0]["specversion"], "1.0")

    def test_pooled_ones_stand_ready_and_serve_one_event_each(self):
        flow = self.serve_python("      execution: pooled\n      poolSize: 2\n")
        for _ in range(4):
            poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual(self.served(), [1] * 4)

    def test_a_pooled_one_serves_several_events_unchanged(self):
        flow = self.serve_python("      execution: pooled\n      poolSize: 2\n      maxRequests: 100\n")
        poll("instances are parked", lambda: flow.metric("fiso_wasm_parked_instances") == 2)
        for _ in range(10):
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertGreater(max(self.served()), 1)

    def test_an_exception_is_an_exit_code_and_its_traceback_is_logged(self):
        flow = self.serve_python()
        answer = post(flow.port(), "/orders", {"fail": True})
        self.assertEqual((answer.status, answer.text), (500, "INTERCEPTOR_FAILED: module closed with exit_code(1)\n"))
        poll("the traceback", lambda: any("ValueError: it is to fail" in entry["text"] for entry in flow.log("wasm stderr")))

    def test_ten_mebibytes_are_enough_for_a_small_script(self):
        flow = self.serve_python("      memoryLimit: 10MiB\n")
        self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)

    def test_the_light_engine_runs_it_too(self):
        flow = self.serve_python("      execution: pooled\n      poolSize: 1\n", runtime="wazero", program=FISO_FLOW)
        for _ in range(2):
            self.assertEqual(post(flow.port(), "/orders", ORDER).status, 200)
        self.assertEqual(self.served(), [1, 1])


class App(PythonGuest):
    def serve_apps(self, **apps):
        directory = self.directory()
        text = "".join(f"  - name: {name}\n    module: {guest('python')}\n" + script("app.py", 4) + more for name, more in apps.items())
        directory.write("apps.yaml", "apps:\n" + text)
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def body(self, port, path="/hello", **more):
        answer = post(port, path, more)
        self.assertEqual((answer.status, answer.headers.get("x-python")), (200, "yes"), answer.text)
        return answer.json()

    def test_fresh_and_pooled_ones_answer(self):
        env = "    env: {GREETING: hi}\n"
        apps = self.serve_apps(fresh=env, ready=env + "    execution: pooled\n    poolSize: 2\n")
        for name in ("fresh", "ready"):
            port = apps.port(name)
            for n in range(3):
                self.assertEqual(self.body(port, n=n), {"greeting": "hi", "method": "POST", "received": {"n": n}, "served": 1})
        self.assertEqual(apps.stop(), 0)

    def test_a_script_reads_its_directory_and_cannot_write_there(self):
        port = self.serve_apps(files="").port("files")
        self.assertEqual(set(get(port, "/file").json()), set(os.listdir(SCRIPTS)))
        self.assertEqual((get(port, "/write").status, (SCRIPTS / "written").exists()), (403, False))

    def test_an_exception_is_502_and_the_next_request_is_answered(self):
        apps = self.serve_apps(failing="")
        port = apps.port("failing")
        failed = get(port, "/fail")
        self.assertEqual((failed.status, failed.text), (502, "wasm execution: module closed with exit_code(1)\n"))
        poll("the traceback", lambda: any("ValueError: it is to fail" in entry["text"] for entry in apps.log("app stderr")))
        self.assertEqual(self.body(port)["served"], 1)

    def test_several_at_once(self):
        port = self.serve_apps(busy="    execution: pooled\n    poolSize: 2\n").port("busy")
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append((n, self.body(port, n=n)["received"]["n"]))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), [(n, n) for n in range(8)])

    def test_the_same_script_loops_over_lines(self):
        apps = self.serve_apps(pool="    execution: pooled\n    poolSize: 2\n    maxRequests: 100\n",
                               lives="    execution: longRunning\n    healthCheck: /health\n")
        port = apps.port("pool")
        poll("instances are parked", lambda: 'fiso_app_parked_instances{app="pool"} 2' in apps.admin("/metrics").text)
        self.assertGreater(max(self.body(port)["served"] for _ in range(10)), 1)
        self.assertEqual([self.body(apps.port("lives"))["served"] for _ in range(3)], [1, 2, 3])

    def test_the_light_engine_runs_it_too(self):
        port = self.serve_apps(light="    runtime: wazero\n").port("light")
        self.assertEqual(self.body(port)["served"], 1)


if __name__ == "__main__":
    main()
