#!/usr/bin/env python3
"""Where guests may connect to: never to Fiso's own control ports, and otherwise what the configuration says."""
import socket

from harness import ANY_PORT, FISO_FLOW, FISO_FLOW_WASMER, FISO_WASMER, Directory, Flow, TestCase, flow_yaml, get, guest, http_sink, main, poll, post, run
from wasmer_standalone_test import Apps, app_yaml

REFUSED = "63"  # EPERM
MODES = {
    "fresh": "",
    "pool": "    execution: pooled\n    poolSize: 1\n",
    "server": "    execution: longRunning\n    args: [serve]\n",
}


class AppNetwork(TestCase):
    def apps(self, *apps, more=""):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + "".join(apps) + more)
        apps = self.closing(Apps("-config", directory.path / "apps.yaml", "-admin-addr", ANY_PORT))
        apps.wait_line("Press Ctrl\\+C to stop")
        self.admin_port = apps.log("metrics server starting")[0]["port"]
        return apps

    def attempt(self, apps, name, what):
        return get(apps.port(name), f"/{what}").text

    def listener(self):
        """A port of somebody else's on this machine."""
        return self.closing(socket.create_server(("127.0.0.1", 0))).getsockname()[1]

    def test_the_admin_port_is_refused_on_every_local_address_in_every_mode(self):
        apps = self.apps(*(app_yaml(name, more, "dial") for name, more in MODES.items()))
        other = self.listener()
        for name in MODES:
            for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):
                self.assertEqual(self.attempt(apps, name, f"dial:{address}:{self.admin_port}"), REFUSED, (name, address))
            self.assertEqual(self.attempt(apps, name, "dial:127.64.0.1:80"), REFUSED, name)
            self.assertEqual(self.attempt(apps, name, f"dial:127.0.0.1:{other}"), "0", name)
            neighbour = apps.port("fresh" if name != "fresh" else "pool")
            self.assertEqual(self.attempt(apps, name, f"dial:127.0.0.1:{neighbour}"), "0", "apps may call each other")
        poll("it is told", lambda: apps.log("app network attempt denied"))
        self.assertEqual(apps.stop(), 0)

    def test_a_policy_of_all_holds_where_an_app_says_nothing_else(self):
        open_again = "    network: {mode: open}\n"
        other = self.listener()
        listed = f"    network: {{allow: [\"127.0.0.1:{other}\"]}}\n"
        apps = self.apps(app_yaml("plain", "", "dial"), app_yaml("open", open_again, "dial"), app_yaml("listed", listed, "dial"),
                         more="network: {mode: none}\n")
        self.assertEqual(self.attempt(apps, "plain", f"dial:127.0.0.1:{other}"), REFUSED)
        self.assertEqual(self.attempt(apps, "plain", "resolve:localhost"), REFUSED)
        self.assertEqual(self.attempt(apps, "open", f"dial:127.0.0.1:{other}"), "0")
        self.assertEqual(self.attempt(apps, "listed", f"dial:127.0.0.1:{other}"), "0")
        self.assertEqual(self.attempt(apps, "listed", f"dial:127.0.0.1:{apps.port('open')}"), REFUSED)
        policies = {entry["app"]: entry for entry in apps.log("network policy of guest")}
        self.assertEqual({name: (entry["mode"], entry["allow"], entry["dns"]) for name, entry in policies.items()},
                         {"plain": ("none", "", False), "open": ("open", "", True), "listed": ("allowlist", f"127.0.0.1:{other}", True)})
        self.assertEqual(policies["plain"]["refused_ports"], str(self.admin_port))

    def test_a_list_for_all_is_an_allow_list(self):
        other = self.listener()
        apps = self.apps(app_yaml("a", "", "dial"), more=f"network: {{allow: [\"127.0.0.1:{other}\", \"127.0.0.1:*\"], dns: false}}\n")
        self.assertEqual(self.attempt(apps, "a", f"dial:127.0.0.1:{other}"), "0")
        self.assertEqual(self.attempt(apps, "a", f"dial:127.0.0.2:{other}"), REFUSED)
        self.assertEqual(self.attempt(apps, "a", f"dial:127.0.0.1:{self.admin_port}"), REFUSED, "listed or not")
        self.assertEqual(self.attempt(apps, "a", "resolve:localhost"), REFUSED)

    def test_a_contradiction_is_told(self):
        directory = self.directory()
        directory.write("apps.yaml", "apps:\n" + app_yaml("a", "    network: {dns: true}\n", "dial") + "network: {mode: none}\n")
        ended = run(FISO_WASMER, "-config", directory.path / "apps.yaml", "-check")
        self.assertIn('network.dns of app "a" cannot be true: `mode: none` holds for all guests', ended.stderr.decode())


class FlowNetwork(TestCase):
    def serve_dial(self, settings=None, more=""):
        self.events = self.sink()
        directory = self.directory(orders=flow_yaml(module=guest("dial"), interceptor="      runtime: wasmer\n" + more,
                                                    sink=http_sink(self.events.url)))
        if settings:
            directory.write("fiso.yaml", settings)
        return self.closing(Flow(directory, program=FISO_FLOW_WASMER)).wait_ready()

    def attempt(self, flow, what):
        self.assertEqual(post(flow.port(), "/orders", {"try": what}).status, 200)
        return str(self.events.events()[-1]["data"])

    def test_the_admin_port_is_refused_to_interceptors(self):
        for more in ("", "      execution: pooled\n      poolSize: 1\n"):
            flow = self.serve_dial(more=more)
            self.assertEqual(self.attempt(flow, f"dial:127.0.0.1:{flow.admin_port}"), REFUSED)
            self.assertEqual(self.attempt(flow, f"dial:127.0.0.1:{self.events.port}"), "0")
            [policy] = flow.log("network policy of guest")
            self.assertEqual((policy["flow"], policy["mode"], policy["refused_ports"]), ("orders", "open", str(flow.admin_port)))
            self.assert_stops(flow)

    def test_a_policy_of_all_flows_holds_where_a_guest_says_nothing_else(self):
        flow = self.serve_dial("network: {mode: none}\n")
        self.assertEqual(self.attempt(flow, f"dial:127.0.0.1:{self.events.port}"), REFUSED)
        self.assertEqual(self.attempt(flow, "resolve:localhost"), REFUSED)
        flow = self.serve_dial("network: {mode: none}\n", "      network: {mode: open}\n")
        self.assertEqual(self.attempt(flow, f"dial:127.0.0.1:{self.events.port}"), "0")

    def check(self, program, settings, interceptor):
        directory = Directory(orders=flow_yaml(module=guest("enrich"), interceptor=interceptor))
        self.closing(directory)
        directory.write("fiso.yaml", settings)
        said = run(program, "-check", "-config-dir", directory.path).stderr.decode()
        return "".join(line for line in said.splitlines(keepends=True) if '"level":"INFO"' not in line)  # what is compiled

    def test_where_no_guest_has_a_network_the_keys_are_refused(self):
        said = self.check(FISO_FLOW, "network: {mode: none}\n", "")
        self.assertIn("fiso.yaml:1:10: network: network has an effect with `runtime: wasmer` only: ", said)
        self.assertIn("use fiso-flow-wasmer", said)
        self.assertIn("network has an effect with `runtime: wasmer` only", self.check(FISO_FLOW, "", "      network: {mode: none}\n"))
        self.assertEqual(self.check(FISO_FLOW_WASMER, "network: {mode: none}\n", ""), "")
        self.assertIn("cannot be true: `mode: none` holds for all guests",
                      self.check(FISO_FLOW_WASMER, "network: {mode: none}\n", "      runtime: wasmer\n      network: {dns: true}\n"))


if __name__ == "__main__":
    main()
