#!/usr/bin/env python3
"""Reloading: what is valid takes effect for new events, what is not leaves all as it was, and no request notices."""
import signal

from harness import ANY_PORT, ReservedPort, TestCase, flow_yaml, get, guest, http_sink, main, poll, post, repeats, request
from load import Load


class ReloadCase(TestCase):
    def wait_attempts(self, flow, count):
        def state():
            flow.check_alive("a reload")
            verdict = flow.reload_state()
            return verdict if verdict["attempts"] >= count else None
        return poll(f"verdict {count}", state)


class Triggers(ReloadCase):
    def setUp(self):
        self.files = self.directory(orders=flow_yaml())
        self.flow = self.start(self.files)

    def test_the_first_verdict_is_that_of_the_start(self):
        verdict = self.flow.reload_state()
        self.assertEqual((verdict["generation"], verdict["attempts"], verdict["status"]), (1, 1, "ok"))
        self.assertNotIn("error", verdict)

    def test_a_changed_file_is_read(self):
        self.files.write("orders.yaml", flow_yaml(path="/renamed"))
        self.assertEqual(self.wait_attempts(self.flow, 2)["generation"], 2)
        self.assertEqual([post(self.flow.port(), path, "{}").status for path in ("/orders", "/renamed")], [404, 200])

    def test_a_new_file_and_a_file_that_is_gone(self):
        self.files.write("more.yaml", flow_yaml("more", path="/more"))
        self.wait_attempts(self.flow, 2)
        self.assertEqual(post(self.flow.port(), "/more", "{}").status, 200)
        (self.files.path / "more.yaml").unlink()
        self.wait_attempts(self.flow, 3)
        self.assertEqual(post(self.flow.port(), "/more", "{}").status, 404)

    def test_a_directory_that_is_replaced_is_read_and_watched(self):
        path = self.files.path
        path.rename(path.with_name("old"))
        path.mkdir()
        self.files.write("orders.yaml", flow_yaml(path="/second"))
        poll("the new directory's flow", lambda: post(self.flow.port(), "/second", "{}").status == 200)
        self.files.write("orders.yaml", flow_yaml(path="/third"))
        poll("a change in it", lambda: post(self.flow.port(), "/third", "{}").status == 200)

    def test_sighup_reads_again(self):
        self.flow.signal(signal.SIGHUP)
        self.assertEqual(self.wait_attempts(self.flow, 2)["status"], "ok")

    def test_post_reload_reads_again(self):
        self.assertEqual(request(self.flow.admin_port, "POST", "/reload").status, 202)
        self.assertEqual(self.wait_attempts(self.flow, 2)["status"], "ok")
        self.assertEqual(request(self.flow.admin_port, "DELETE", "/reload").headers["allow"], "GET, HEAD, POST")


class Verdicts(ReloadCase):
    def test_an_invalid_file_leaves_the_old_flows_running(self):
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        for attempt, text in enumerate(("name: [", flow_yaml(module="/nonexistent.wasm"), flow_yaml(more="unknown: 1\n")), 2):
            files.write("orders.yaml", text)
            verdict = self.wait_attempts(flow, attempt)
            self.assertEqual((verdict["generation"], verdict["status"]), (1, "failed"))
            self.assertTrue(verdict["error"])
            self.assertEqual(post(flow.port(), "/orders", "{}").status, 200)
        self.assertEqual(flow.metric("fiso_config_reloads_total", result="failed"), 3)
        failed = flow.wait_log("failed to load config, the old one stays", 3)
        self.assertRegex(failed[2]["error"], r'orders.yaml:\d+:1: unknown: unknown key "unknown"')
        files.write("orders.yaml", flow_yaml(path="/good-again"))
        self.assertEqual(self.wait_attempts(flow, 5)["generation"], 2)
        self.assertEqual(flow.metric("fiso_config_reloads_total", result="ok"), 1)
        self.assertEqual(post(flow.port(), "/good-again", "{}").status, 200)

    def test_a_port_in_use_fails_the_reload_as_a_whole(self):
        taken = self.closing(ReservedPort())
        taken.listen()
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        files.write("more.yaml", flow_yaml("more", address=taken.address))
        self.assertIn(f"listen {taken.address}: address already in use", self.wait_attempts(flow, 2)["error"])
        self.assertEqual(post(flow.port(), "/orders", "{}").status, 200)

    def test_a_certificate_that_cannot_be_read_leaves_the_old_flows_running(self):
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        files.write("orders.yaml", flow_yaml(path="/orders\n    tls: {certFile: /etc/c.pem, keyFile: /etc/k.pem}"))
        self.assertIn("source.config.tls: /etc/c.pem", self.wait_attempts(flow, 2)["error"])
        self.assertEqual(post(flow.port(), "/orders", "{}").status, 200)

    def test_an_emptied_directory_leaves_the_old_flows_running(self):
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        (files.path / "orders.yaml").unlink()
        self.assertIn("no flow definitions found", self.wait_attempts(flow, 2)["error"])
        self.assertEqual(post(flow.port(), "/orders", "{}").status, 200)

    def test_counters_of_a_flow_go_on(self):
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        post(flow.port(), "/orders", "{}")
        files.write("orders.yaml", flow_yaml(more="maxInFlight: 5\n"))
        self.wait_attempts(flow, 2)
        post(flow.port(), "/orders", "{}")
        self.assertEqual(flow.books(), (2, 2, 0, 0))


class Listeners(ReloadCase):
    def test_listeners_come_go_and_come_back(self):
        place = self.closing(ReservedPort())
        files = self.directory(orders=flow_yaml())
        flow = self.start(files)
        for attempt in (2, 4):
            files.write("more.yaml", flow_yaml("more", address=place.address))
            self.assertEqual(self.wait_attempts(flow, attempt)["status"], "ok")
            self.assertEqual(post(place.port, "/orders", "{}").status, 200)
            (files.path / "more.yaml").unlink()
            self.wait_attempts(flow, attempt + 1)
            poll("the port is closed", lambda: not self.is_open(place.port))

    @staticmethod
    def is_open(port):
        try:
            get(port, "/")
            return True
        except OSError:
            return False


class UnderLoad(ReloadCase):
    def test_no_request_fails_while_configurations_follow_each_other_and_bad_ones_come_between(self):
        sink = self.sink()
        good = (flow_yaml(module=guest("passthrough")), flow_yaml(module=guest("enrich"), sink=http_sink(sink.url)))
        bad = ("name: [", flow_yaml(module="/nonexistent.wasm"), flow_yaml(module=guest("no_start")),
               flow_yaml(module=guest("trap_start"), interceptor="      execution: pooled\n"))
        swaps, failures = repeats(20, 1000), 0
        files = self.directory(orders=good[0])
        flow = self.start(files)
        load = self.closing(Load(flow.port(ANY_PORT)))
        for swap in range(1, swaps + 1):
            if swap % 4 == 0:
                files.write("orders.yaml", bad[swap // 4 % len(bad)])
                failures += 1
                verdict = self.wait_attempts(flow, swap + failures)
                self.assertEqual((verdict["status"], verdict["generation"]), ("failed", swap), verdict)
            files.write("orders.yaml", good[swap % 2])
            verdict = self.wait_attempts(flow, swap + failures + 1)
            self.assertEqual((verdict["status"], verdict["generation"]), ("ok", swap + 1), verdict)
        load.stop()
        self.assertEqual((load.cut, list(load.statuses)), ([], [200]), load.statuses)
        self.assertEqual(flow.metric("fiso_config_reloads_total", result="ok"), swaps)
        self.assertEqual(flow.metric("fiso_config_reloads_total", result="failed"), failures)
        self.assertEqual(flow.books(), (load.answered, load.answered, 0, 0))
        self.assert_stops(flow)


if __name__ == "__main__":
    main()
