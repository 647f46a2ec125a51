#!/usr/bin/env python3
"""Guests that serve one connection until it is closed: no request starves behind a connection that nobody uses."""
import concurrent.futures

from harness import ANY_PORT, TestCase, get, main, poll, post
from wasmer_standalone_test import Apps, app_yaml

SERVERS = {"wasmer": "one_at_a_time", "wazero": "one_at_a_time_given"}
PROBED = "    healthCheck: /health\n    healthCheckInterval: 50ms\n    healthCheckTimeout: 5s\n"


class OneConnection(TestCase):
    def apps(self, runtime, more="", settings="shards: 4\n"):
        directory = self.directory()
        text = f"    runtime: {runtime}\n    execution: longRunning\n    timeout: 5s\n    memoryMB: 64\n{more}"
        directory.write("apps.yaml", settings + "apps:\n" + app_yaml("one", text, SERVERS[runtime]))
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        return apps, apps.port("one")

    def assert_well(self, apps):
        self.assertEqual(apps.log("app guest restarts"), [])
        self.assertEqual(apps.log("app request failed"), [])
        self.assertEqual(apps.stop(), 0)

    def test_requests_one_after_the_other_are_all_answered(self):
        for runtime in SERVERS:
            for settings in ("shards: 4\n", ""):
                apps, port = self.apps(runtime, settings=settings)
                self.assertEqual([(get(port, "/").status, post(port, "/", "x").status) for _ in range(20)], [(200, 200)] * 20)
                self.assert_well(apps)

    def test_beside_health_checks_too(self):
        for runtime in SERVERS:
            apps, port = self.apps(runtime, PROBED)
            for _ in range(20):
                self.assertEqual(get(port, "/").status, 200)
            poll("it was asked meanwhile", lambda: apps.admin("/apps").json()[0]["probes"] >= 5)
            self.assertEqual(apps.admin("/apps").json()[0]["failedProbes"], 0)
            self.assert_well(apps)

    def test_and_at_once(self):
        for runtime in SERVERS:
            apps, port = self.apps(runtime, PROBED)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: get(port, "/").status, range(80)))
            self.assertEqual(answers, [200] * 80)
            self.assert_well(apps)


if __name__ == "__main__":
    main()
