#!/usr/bin/env python3
"""Reloads of flows, targets and apps under load, in one process: no request fails on any way through it."""
from aio_harness import AioCase, app_target_yaml, app_yaml, target_yaml
from harness import flow_yaml, http_sink, main, repeats
from load import Load

PATHS = {"/orders": "link://api/in", "/app": "app://hello/echo", "/through": "link://hello/echo"}


class UnderLoad(AioCase):
    def targets(self, more=""):
        return target_yaml("api", self.service_port, more) + app_target_yaml("hello", "hello", more)

    @staticmethod
    def app(number):
        return app_yaml("hello", "hello_app", f", runtime: wazero, env: {{SERVER_NAME: n{number}}}")

    def test_no_request_fails_on_any_way_while_everything_changes(self):
        self.service_port = self.service().port
        self.start({path[1:]: flow_yaml(path[1:], path=path, sink=http_sink(url)) for path, url in PATHS.items()}, self.targets(), self.app(0))
        loads = [self.closing(Load(self.aio.port(), path=path, clients=2)) for path in PATHS]
        attempts = dict.fromkeys(("flows", "link", "apps"), 1)
        failed = 0
        for number in range(1, repeats(10, 1000) + 1):
            for part in attempts:
                failed += self.reload(part, number, attempts) == "failed"
        for load in loads:
            load.stop()
            self.assertEqual((load.cut, list(load.statuses)), ([], [200]), load.statuses)
        self.assertEqual(failed, 3 * (repeats(10, 1000) // 2))
        for path, load in zip(PATHS, loads):
            self.assertEqual(self.aio.books(path[1:]), (load.answered, load.answered, 0, 0))
        self.assertGreater(min(load.answered for load in loads), 0)
        self.assertEqual(self.aio.stop(), 0)

    def reload(self, part, number, attempts):
        """Every second one is wrong."""
        attempts[part] += 1
        if number % 2:
            if part == "flows":
                self.flows.write("app.yaml", "name: [")
            elif part == "link":
                self.write_link("  - {name: api, protocol: gopher}\n")
            else:
                self.write_apps("    - {name: hello}\n")
        else:
            self.right(part, number)
        return self.verdict(part, attempts[part])["status"]

    def right(self, part, number):
        if part == "link":
            return self.write_link(self.targets(f", timeout: {10 + number % 7}s"))
        if part == "apps":
            return self.write_apps(self.app(number))
        # In turn the app is reached by itself and by a target. What is wrong is overwritten by the same rename.
        url = PATHS["/app"] if number % 4 else PATHS["/through"]
        return self.flows.write("app.yaml", flow_yaml("app", path="/app", sink=http_sink(url)))


if __name__ == "__main__":
    main()
