#!/usr/bin/env python3
"""What an app's guests use of the machine: CPU and memory in /metrics and GET /apps, on both engines and in all modes."""
from harness import ANY_PORT, TestCase, get, main, poll
from wasmer_standalone_test import Apps, app_yaml

ENGINES = ("wasmer", "wazero")
SERVERS = {"wasmer": "counter_server", "wazero": "accept_server"}
CPU = "fiso_app_cpu_seconds_total"


class AppUse(TestCase):
    def apps(self, *apps):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps))
        return self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))

    def series(self, apps, name, app="a"):
        lines = apps.admin("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f'{name}{{app="{app}"}} ')), None)

    def test_the_cpu_of_a_computing_guest_is_counted_and_stays_counted(self):
        for engine in ENGINES:
            text = f"    runtime: {engine}\n    timeout: 300ms\n    memoryMB: 64\n"
            apps = self.apps(app_yaml("a", text))
            port = apps.port("a")
            self.assertEqual(get(port, "/hello").status, 200)
            seen = self.series(apps, CPU)
            for _ in range(2):
                def more_is_counted(before=seen):
                    self.assertEqual(get(port, "/loop").status, 504)  # computes for as long as it may, and as it gets a CPU
                    return (cpu := self.series(apps, CPU)) > before + 0.1 and cpu
                seen = poll(f"{engine}: its time is counted", more_is_counted)
            self.assertGreaterEqual(self.series(apps, CPU), seen)
            self.assertEqual(apps.stop(), 0)

    def test_parked_guests_have_memory(self):
        for engine in ENGINES:
            apps = self.apps(app_yaml("a", f"    runtime: {engine}\n    execution: pooled\n    poolSize: 2\n    memoryMB: 64\n"))
            apps.port("a")
            poll("both are parked", lambda: self.series(apps, "fiso_app_parked_instances") == 2)
            one = self.series(apps, "fiso_app_memory_bytes") / 2
            self.assertTrue(one >= 65536 and one % 65536 == 0, one)
            if engine == "wasmer":
                # Their processes are looked at ten times a second at most.
                poll("they have memory", lambda: self.series(apps, "fiso_app_resident_bytes") > 1 << 20)
            else:
                self.assertIsNone(self.series(apps, "fiso_app_resident_bytes"))
            self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_lives_on_is_measured_while_it_computes_and_its_use_outlives_it(self):
        for engine in ENGINES:
            text = f"    runtime: {engine}\n    execution: longRunning\n    timeout: 1s\n    unhealthyThreshold: 1\n    memoryMB: 64\n"
            apps = self.apps(app_yaml("a", text, SERVERS[engine]))
            port = apps.port("a")
            poll("it answers", lambda: get(port, "/").status == 200)
            self.assertGreaterEqual(self.series(apps, "fiso_app_memory_bytes"), 65536)
            before = self.series(apps, CPU)
            self.assertEqual(get(port, "/loop").status, 504)  # and it is replaced
            poll("another guest", lambda: apps.admin("/apps").json()[0]["restarts"] == 1 and get(port, "/").status == 200)
            poll(f"{engine}: its time is counted", lambda: self.series(apps, CPU) > before)
            [shown] = apps.admin("/apps").json()
            self.assertGreater(shown["cpuSeconds"], before)
            self.assertGreaterEqual(shown["memoryBytes"], 65536)
            self.assertEqual("residentBytes" in shown, engine == "wasmer")
            self.assertGreaterEqual(self.series(apps, CPU), shown["cpuSeconds"] - 1e-6)
            self.assertEqual(apps.stop(), 0)

    def test_a_guest_that_has_ended_for_good_uses_no_memory(self):
        for engine in ENGINES:
            text = f"    runtime: {engine}\n    execution: longRunning\n    restart: never\n    memoryMB: 64\n"
            apps = self.apps(app_yaml("a", text, SERVERS[engine]))
            port = apps.port("a")
            poll("it answers", lambda: get(port, "/").status == 200)
            get(port, "/exit/0")
            poll("its memory is given back", lambda: self.series(apps, "fiso_app_memory_bytes") == 0)
            if engine == "wasmer":
                poll("so is its process's", lambda: self.series(apps, "fiso_app_resident_bytes") == 0)
            self.assertEqual(apps.stop(), 0)


if __name__ == "__main__":
    main()
