#!/usr/bin/env python3
"""How fiso-link reaches its targets: names, several addresses, addresses that it does not connect to, redirects."""
from dns_server import NO_SUCH_NAME, DnsServer
from harness import ANY_PORT, get, main, poll, request, run
from link_harness import FISO_LINK, QUICK, Link, LinkCase

# Ways to write an address that gives away credentials, or that is nobody's.
NEVER = ("169.254.169.254", "169.254.170.2", "[::ffff:169.254.169.254]", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
         "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255")
# And those that some programs read as addresses while others look them up.
NO_HOSTS = ("2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "169.254.43518", "2852039166",
            "0xa9fea9fe", "1.2.3.4.5", "256.1.1.1", "127.0.0.1:80", "127.0.0.1/x", "a@127.0.0.1", "127.0.0.1.")
NEIGHBOURS = ("127.0.0.1", "127.64.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "::1", "fd12::1", "::ffff:10.0.0.1")


class ReachCase(LinkCase):
    def named(self, found, port, lines="", more="", **env):
        """fiso-link with the target `api`, whose host is a name; `found(name)` says what DNS knows of it."""
        self.dns = self.closing(DnsServer(found))
        self.files = self.directory()
        text = f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\nnameServers: [\"{self.dns.address}\"]\n{more}targets:\n"
        text += f"  - name: api\n    protocol: http\n    host: api.test\n    port: {port}\n{lines}"
        self.files.write("link.yaml", text)
        return self.closing(Link(self.files, **env)).wait_ready()

    def check(self, text):
        files = self.directory()
        files.write("link.yaml", text)
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        return done.returncode, done.stderr.decode()


class Names(ReachCase):
    def test_a_name_is_looked_up_and_told_to_the_target(self):
        service = self.service()
        asked = []
        link = self.named(lambda name: asked.append(name) or [("127.0.0.1", 60)], service.port)
        for _ in range(3):
            self.assertEqual(get(link.port(), "/link/api/").status, 200)
        self.assertEqual(service.headers()["host"], f"api.test:{service.port}")
        self.assertEqual(set(asked), {"api.test"})

    def test_the_next_address_is_tried_when_one_refuses(self):
        service = self.service()
        link = self.named(lambda name: [("::1", 60), ("127.0.0.9", 60), ("127.0.0.8", 60), ("127.0.0.1", 60)], service.port, QUICK)
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        self.assertEqual(link.metric("fiso_link_retries_total", target="api"), 0)

    def test_a_name_that_nobody_knows_is_502(self):
        link = self.named(lambda name: NO_SUCH_NAME, 80, QUICK)
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (502, "failed to resolve host\n"))
        self.assertIn("api.test: Domain name not found: name resolution failed", link.wait_log("proxy request failed")[0]["error"])

    def test_a_name_that_moves_is_followed(self):
        first, second = self.service(lambda asked: (200, {"Connection": "close"}, b"first")), self.service()
        moved = []
        link = self.named(lambda name: [("127.0.0.2" if moved else "127.0.0.1", 1)], first.port)
        self.assertEqual(get(link.port(), "/link/api/").body, b"first")
        moved.append(True)
        poll("the old address is not asked any more", lambda: get(link.port(), "/link/api/").status == 502)
        self.assertEqual(second.asked, [])


class Addresses(ReachCase):
    def test_what_a_name_leads_to_is_checked_and_refused_without_a_word_to_it(self):
        service = self.service()
        breaker = "    circuitBreaker: {enabled: true, failureThreshold: 1}\n"
        link = self.named(lambda name: [("127.0.0.1", 60), ("::1", 60)], service.port, "    allowPrivate: false\n" + breaker + QUICK)
        for _ in range(3):
            answer = get(link.port(), "/link/api/")
            self.assertEqual((answer.status, answer.text), (403, "address not allowed\n"))
        line = link.wait_log("proxy request failed", 3)[0]
        self.assertEqual(line["target"], "api")
        self.assertRegex(line["error"], r"(127\.0\.0\.1|::1) is a loopback address: address not allowed")
        self.assertEqual(service.asked, [])
        self.assertEqual(link.metric("fiso_link_address_refused_total", target="api"), 3)
        self.assertEqual(link.metric("fiso_link_requests_total", target="api", status="403"), 3)
        self.assertEqual((link.metric("fiso_link_retries_total", target="api"), link.metric("fiso_link_circuit_state", target="api")), (0, 0))

    def test_names_of_such_addresses_are_refused(self):
        never = [address.strip("[]") for address in NEVER]
        self.dns = self.closing(DnsServer(lambda name: [(never[int(name.removesuffix(".test"))], 60)]))
        self.files = self.directory()
        text = f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\nnameServers: [\"{self.dns.address}\"]\ntargets:\n"
        for number in range(len(never)):
            text += f"  - {{name: t{number}, protocol: http, host: {number}.test}}\n"
        self.files.write("link.yaml", text)
        link = self.closing(Link(self.files)).wait_ready()
        for number, address in enumerate(never):
            self.assertEqual(get(link.port(), f"/link/t{number}/").status, 403, address)
            self.assertRegex(link.wait_log("proxy request failed", number + 1)[-1]["error"], "an? [a-z-]+ address: address not allowed")

    def test_a_name_that_turns_against_us_is_refused_at_the_next_connection(self):
        service = self.service(lambda asked: (200, {"Connection": "close"}, b"hello"))
        turned = []
        link = self.named(lambda name: [("169.254.169.254" if turned else "127.0.0.1", 0)], service.port)
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        turned.append(True)
        poll("it is refused", lambda: get(link.port(), "/link/api/").status == 403)

    def test_of_several_addresses_those_that_are_allowed_are_used(self):
        service = self.service()
        link = self.named(lambda name: [("169.254.169.254", 60), ("127.0.0.2", 60), ("127.0.0.1", 60)], service.port,
                          "    allowPrivate: false\n    allowAddresses: [127.0.0.1/32]\n")
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        self.assertEqual(link.metric("fiso_link_address_refused_total", target="api"), 0)

    def test_neighbours_are_allowed_unless_the_target_says_otherwise(self):
        for host in NEIGHBOURS:
            target = f"targets:\n  - name: a\n    protocol: http\n    host: \"{host}\"\n"
            self.assertEqual(self.check(target), (0, ""), host)
            code, text = self.check(target + "    allowPrivate: false\n")
            self.assertEqual(code, 1, host)
            self.assertRegex(text, r"link.yaml:4:11: targets\[0\].host: .* address, which is not connected to; if it is meant, list it in")
            self.assertEqual(self.check(target + "    allowPrivate: false\n    allowAddresses: [\"0.0.0.0/0\", \"::/0\"]\n"), (0, ""), host)

    def test_an_address_in_the_file_is_refused_however_it_is_written_unless_it_is_listed(self):
        for host in NEVER:
            target = f"targets:\n  - name: a\n    protocol: http\n    host: \"{host}\"\n"
            code, text = self.check(target)
            self.assertEqual(code, 1, host)
            self.assertIn("link.yaml:4:11: targets[0].host: ", text)
            self.assertEqual(self.check(target + f"    allowAddresses: [\"{host.strip('[]')}\"]\n"), (0, ""), host)

    def test_what_some_read_as_an_address_is_no_host(self):
        for host in NO_HOSTS:
            code, text = self.check(f"targets:\n  - name: a\n    protocol: http\n    host: \"{host}\"\n")
            self.assertEqual(code, 1, host)
            self.assertIn("is not a host name or an IP address", text, host)

    def test_entries_that_are_none_are_told_at_their_place(self):
        code, text = self.check("nameServers: [dns.test]\ntargets:\n  - name: a\n    host: a.test\n    allowAddresses: [10.0.0.0/8, 10.0.0.0/33, a.test]\n")
        self.assertEqual(code, 1)
        self.assertIn("link.yaml:1:15: nameServers[0]: \"dns.test\" is not a name server", text)
        self.assertIn("link.yaml:5:34: targets[0].allowAddresses[1]: \"10.0.0.0/33\" is not an IP address or a block of them", text)
        self.assertIn("link.yaml:5:47: targets[0].allowAddresses[2]: \"a.test\" is not", text)

    def test_a_target_that_is_fiso_link_itself_is_refused(self):
        for listens, host, port in (("127.0.0.1:3500", "127.0.0.1", 3500), ("127.0.0.1:3500", "localhost", 3500), (":3500", "127.0.0.1", 3500),
                                    ("127.0.0.1:3501", "127.0.0.1", 9090), ("127.0.0.1:3501", "::1", 9090), ("[::1]:80", "[::1]", 0)):
            code, text = self.check(f"listenAddr: \"{listens}\"\ntargets:\n  - name: a\n    protocol: http\n    host: \"{host}\"\n    port: {port}\n")
            self.assertEqual(code, 1, (listens, host, port))
            self.assertRegex(text, r"link.yaml:3:5: targets\[0\]: .* is fiso-link itself")
        self.assertEqual(self.check("targets:\n  - name: a\n    protocol: http\n    host: 127.0.0.1\n    port: 3501\n"), (0, ""))
        self.assertEqual(self.check("targets:\n  - name: a\n    protocol: http\n    host: a.test\n    port: 3500\n"), (0, ""))

    def test_ports_of_the_command_line_count_as_ours(self):
        files = self.directory()
        files.write("link.yaml", "targets:\n  - name: a\n    protocol: http\n    host: localhost\n    port: 4000\n")
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check", "-port", "4000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is fiso-link itself (:4000)", done.stderr.decode())
        self.assertEqual(run(FISO_LINK, "-config", files.path / "link.yaml", "-check", "-port", "4001").returncode, 0)


class Redirects(ReachCase):
    def test_credentials_do_not_follow_a_redirect(self):
        other = self.service()
        for status in (301, 302, 303, 307, 308):
            place = f"http://127.0.0.1:{other.port}/elsewhere"
            service = self.service(lambda asked, code=status, to=place: (code, {"Location": to}, b""))
            link = self.link(("api", service.port, "    auth: {type: bearer, secretRef: {envVar: S}}\n"), S="s3cret")
            answer = request(link.port(), "POST", "/link/api/", b"body", {"Cookie": "mine"})
            self.assertEqual((answer.status, answer.headers["location"]), (status, place))
            self.assertEqual(service.headers()["authorization"], "Bearer s3cret")
            self.assertNotIn("authorization", answer.headers)
            link.close()
        self.assertEqual(other.asked, [])


if __name__ == "__main__":
    main()
