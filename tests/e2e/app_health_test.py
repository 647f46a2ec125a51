#!/usr/bin/env python3
"""Health checks of apps: in every mode and on both engines they have a time of their own, and none outlives a stop."""
from harness import ANY_PORT, TestCase, get, main, poll
from wasmer_standalone_test import Apps, app_yaml

ENGINES = ("wasmer", "wazero")
SERVERS = {"wasmer": "counter_server", "wazero": "accept_server"}
NEVER_ANSWERED = "    healthCheck: /loop\n    timeout: 24h\n    memoryMB: 64\n"


class HealthCase(TestCase):
    def apps(self, *apps, more=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + more)
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def shown(self, apps, name):
        return poll(f"{name} is shown", lambda: next((app for app in apps.admin("/apps").json() if app["name"] == name), None))

    def hung(self, more):
        """An app of each mode and engine whose health check computes for ever."""
        for engine in ENGINES:
            for mode in ("perRequest", "pooled", "longRunning"):
                module = SERVERS[engine] if mode == "longRunning" else "hello_app"
                yield f"{engine}-{mode}", app_yaml(f"{engine}-{mode}", f"    runtime: {engine}\n    execution: {mode}\n{NEVER_ANSWERED}{more}", module)


class Health(HealthCase):
    def test_a_probe_that_is_not_answered_ends_at_its_own_time(self):
        texts = dict(self.hung("    healthCheckTimeout: 100ms\n    healthCheckInterval: 50ms\n"))
        apps = self.apps(*texts.values(), more="shutdownTimeout: 300ms\n")
        for name in texts:
            poll(f"{name}: probes fail", lambda: self.shown(apps, name)["failedProbes"] >= 2)
            self.assertEqual(self.shown(apps, name)["state"], "starting")
        self.assertEqual(apps.stop(), 0)

    def test_a_stop_ends_a_probe_that_is_under_way(self):
        for name, text in self.hung("    healthCheckTimeout: 24h\n"):
            apps = self.apps(text, more="shutdownTimeout: 300ms\n")
            poll(f"{name}: it is probed", lambda: self.shown(apps, name)["cpuSeconds"] > 0.3)
            self.assertEqual((name, apps.stop()), (name, 0))

    def test_probes_come_at_their_interval_and_so_many_failures_in_a_row_are_one_too_many(self):
        flaky = "    healthCheck: /health\n    healthCheckInterval: 20ms\n    healthCheckTimeout: 50ms\n    unhealthyThreshold: 3\n"
        apps = self.apps(app_yaml("often", flaky), app_yaml("seldom", "    healthCheck: /health\n    healthCheckInterval: 24h\n"),
                         app_yaml("hangs", f"    execution: longRunning\n    timeout: 24h\n    memoryMB: 64\n{flaky}", "counter_server"))
        poll("many probes", lambda: self.shown(apps, "often")["probes"] > 5)
        self.assertEqual(self.shown(apps, "seldom")["probes"], 1)
        poll("healthy", lambda: self.shown(apps, "hangs")["state"] == "healthy")
        self.assertIn(get(apps.port("hangs"), "/hang").status, (502, 503))  # it answers nobody any more, and is replaced
        poll("another guest", lambda: get(apps.port("hangs"), "/").status == 200)
        self.assertEqual([entry["reason"] for entry in apps.log("app guest restarts")], ["3 health checks failed"])
        self.assertEqual(apps.stop(), 0)

    def test_one_that_answers_once_is_asked_too(self):
        lives_on = "    execution: longRunning\n    healthCheckInterval: 20ms\n    memoryMB: 64\n"
        apps = self.apps(app_yaml("good", lives_on + "    healthCheck: /health\n"), app_yaml("ill", lives_on + "    healthCheck: /trap\n"))
        poll("it is asked again and again", lambda: self.shown(apps, "good")["probes"] > 5)
        self.assertEqual(self.shown(apps, "good")["state"], "healthy")
        self.assertEqual(get(apps.port("good"), "/hello").status, 200)
        poll("the other too", lambda: self.shown(apps, "ill")["failedProbes"] > 5)
        self.assertEqual(self.shown(apps, "ill")["state"], "starting")
        self.assertEqual(get(apps.port("ill"), "/hello").status, 503)
        self.assertEqual(apps.stop(), 0)

    def test_one_that_does_not_listen_in_time_is_started_again(self):
        apps = self.apps(app_yaml("a", "    execution: longRunning\n    protocol: http\n    startTimeout: 200ms\n    memoryMB: 64\n", "sleeper"))
        poll("it is given up", lambda: apps.log("app guest restarts"))
        self.assertEqual(apps.log("app guest restarts")[0]["reason"], "it does not listen on its PORT")
        self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
