#!/usr/bin/env python3
"""A link file that changes: targets that are valid take effect for new requests, and no request notices."""
import signal

from harness import get, main, poll, repeats, request
from link_harness import LinkCase
from load import Load

BREAKER = "    circuitBreaker: {enabled: true, failureThreshold: 1, resetTimeout: 1h}\n"


class LinkReloadCase(LinkCase):
    def change(self, link, text, attempt):
        self.files.write("link.yaml", text)

        def state():
            link.check_alive("a reload")
            verdict = link.reload_state()
            return verdict if verdict["attempts"] >= attempt else None
        return poll(f"verdict {attempt}", state)


class Targets(LinkReloadCase):
    def test_targets_come_change_and_go(self):
        one, two = self.service(lambda asked: (200, {}, b"one")), self.service(lambda asked: (200, {}, b"two"))
        link = self.link(("a", one.port, ""))
        self.assertEqual(self.change(link, self.link_yaml(("a", two.port, ""), ("b", one.port, "")), 2)["status"], "ok")
        self.assertEqual([get(link.port(), f"/link/{name}/").text for name in "ab"], ["two", "one"])
        self.assertEqual(self.change(link, self.link_yaml(("b", one.port, "")), 3)["generation"], 3)
        self.assertEqual([get(link.port(), f"/link/{name}/").status for name in "ab"], [404, 200])

    def test_sighup_and_post_reload_read_again(self):
        link = self.link(("a", 1, ""))
        link.signal(signal.SIGHUP)
        poll("the verdict", lambda: link.reload_state()["attempts"] == 2)
        self.assertEqual(request(link.admin_port, "POST", "/reload").status, 202)
        poll("the verdict", lambda: link.reload_state()["attempts"] == 3)

    def test_what_is_wrong_leaves_the_old_targets(self):
        service = self.service()
        link = self.link(("a", service.port, ""))
        for attempt, text in enumerate(("", "targets: [", self.link_yaml(("a", service.port, "    timeout: soon\n")),
                                        self.link_yaml(("a", service.port, "    auth: {type: bearer, secretRef: {envVar: NOT_THERE}}\n"))), 2):
            verdict = self.change(link, text, attempt)
            self.assertEqual((verdict["generation"], verdict["status"]), (1, "failed"))
            self.assertTrue(verdict["error"])
            self.assertEqual(get(link.port(), "/link/a/").status, 200)
        self.assertEqual(link.metric("fiso_config_reloads_total", result="failed"), 4)

    def test_a_target_that_says_the_same_keeps_what_its_breaker_knows(self):
        down = self.service(lambda asked: (500, {}, b""))
        link = self.link(("a", down.port, BREAKER))
        self.assertEqual([get(link.port(), "/link/a/").status for _ in range(2)], [500, 503])
        self.change(link, self.link_yaml(("a", down.port, BREAKER), ("b", down.port, "")), 2)
        self.assertEqual(get(link.port(), "/link/a/").status, 503)
        self.change(link, self.link_yaml(("a", down.port, BREAKER + "    timeout: 9s\n"), ("b", down.port, "")), 3)
        self.assertEqual(get(link.port(), "/link/a/").status, 500)

    def test_counters_of_a_target_go_on(self):
        service = self.service()
        link = self.link(("a", service.port, ""))
        get(link.port(), "/link/a/")
        self.change(link, self.link_yaml(("a", service.port, "    timeout: 9s\n")), 2)
        get(link.port(), "/link/a/")
        poll("both", lambda: self.requests_total(link, target="a", status="200") == 2)

    def test_a_secret_that_is_named_anew_is_sent(self):
        service = self.service()
        secrets = self.directory()
        secrets.write("token", "one")
        link = self.link(("a", service.port, ""))
        self.change(link, self.link_yaml(("a", service.port, f"    auth: {{type: bearer, secretRef: {{filePath: {secrets.path}/token}}}}\n")), 2)
        get(link.port(), "/link/a/")
        self.assertEqual(service.headers()["authorization"], "Bearer one")
        secrets.write("token", "two")
        poll("the new one", lambda: get(link.port(), "/link/a/").status == 200 and service.headers()["authorization"] == "Bearer two")

    def test_origins_are_taken_over_and_what_needs_a_restart_is_named(self):
        service = self.service()
        link = self.link(("a", service.port, ""))
        asked = {"Origin": "https://ours.example"}
        self.assertEqual(request(link.port(), "GET", "/link/a/", headers=asked).status, 403)
        verdict = self.change(link, self.link_yaml(("a", service.port, ""), more="allowOrigins: [https://ours.example]\nshards: 3\n"), 2)
        self.assertEqual(verdict["restart_needed"], ["shards"])
        self.assertEqual(request(link.port(), "GET", "/link/a/", headers=asked).status, 200)


class UnderLoad(LinkReloadCase):
    def test_no_request_fails_while_good_and_bad_files_follow_each_other(self):
        one, two = self.service(), self.service()
        texts = (self.link_yaml(("a", one.port, "")), "targets: [", self.link_yaml(("a", two.port, "    timeout: 20s\n")),
                 self.link_yaml(("a", two.port, "    protocl: http\n")))
        link = self.link(("a", one.port, ""))
        load = self.closing(Load(link.port(), path="/link/a/", body=b"x"))
        failed = 0
        for attempt in range(2, 2 * repeats(20, 1000) + 2):
            failed += self.change(link, texts[attempt % len(texts)], attempt)["status"] == "failed"
        load.stop()
        self.assertEqual((load.cut, list(load.statuses)), ([], [200]), load.statuses)
        self.assertEqual(failed, repeats(20, 1000))
        self.assertEqual(self.requests_total(link, target="a"), load.answered)
        self.assert_stops(link)


if __name__ == "__main__":
    main()
