#!/usr/bin/env python3
"""Kafka targets of fiso-link show who they are, by SASL and TLS, to a scripted broker, and publish to none that they do not trust."""
import base64
import json
import os
import ssl
import subprocess
import urllib.parse

from harness import get, main, poll, request
from kafka_harness import KafkaCase
from scripted_broker import Bearer, Broker, Plain, Scram

SECRET = "s3cret-w0rd"


class SecureCase(KafkaCase):
    def broker(self, authenticators=None, context=None):
        return self.closing(Broker(authenticators, context))

    def post(self, broker, cluster, timeout="60s", **env):
        link = self.kafka_link(f"127.0.0.1:{broker.port}", ("a", f"    timeout: {timeout}\n", ""), cluster=cluster, **env)
        answer = request(link.port(), "POST", "/link/a", b"the body")
        for canary in (SECRET, "wr0ng"):
            self.assertNotIn(canary, b"".join(link.lines).decode() + answer.text)
        return answer, link

    def assert_published(self, broker, cluster, **env):
        answer, link = self.post(broker, cluster, **env)
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual([(topic, b"the body" in records) for topic, records in broker.produced], [("t-a", True)])
        return link

    def assert_refused(self, broker, cluster, code, **env):
        answer, link = self.post(broker, cluster, timeout="1500ms", **env)
        self.assertEqual((answer.status, broker.produced), (504, []))
        poll(f"{code} is logged", lambda: code in {line["code"] for line in link.log("kafka client reports")})
        return link


class Passwords(SecureCase):
    MAKERS = {"PLAIN": lambda: Plain("fiso", SECRET), "SCRAM-SHA-256": lambda: Scram("fiso", SECRET, "sha256"),
              "SCRAM-SHA-512": lambda: Scram("fiso", SECRET, "sha512")}

    def auth(self, mechanism, password="{fromEnv: KAFKA_PASSWORD}", user="fiso"):
        return f"      auth: {{mechanism: {mechanism}, username: {user}, password: {password}}}\n"

    def test_a_good_password_publishes(self):
        for mechanism, maker in self.MAKERS.items():
            broker = self.broker({mechanism: maker})
            link = self.assert_published(broker, self.auth(mechanism), KAFKA_PASSWORD=SECRET)
            self.assertEqual(set(broker.mechanisms), {mechanism})
            self.assertTrue(link.log("credentials go to the brokers without TLS"))

    def test_a_bad_password_publishes_nothing(self):
        for mechanism, maker in self.MAKERS.items():
            broker = self.broker({mechanism: maker})
            self.assert_refused(broker, self.auth(mechanism), "_AUTHENTICATION", KAFKA_PASSWORD="wr0ng")
            self.assertGreater(broker.refused, 0)

    def test_another_user_publishes_nothing(self):
        for mechanism, maker in self.MAKERS.items():
            self.assert_refused(self.broker({mechanism: maker}), self.auth(mechanism, user="other"), "_AUTHENTICATION", KAFKA_PASSWORD=SECRET)

    def test_a_mechanism_that_the_broker_lacks_publishes_nothing(self):
        broker = self.broker({"SCRAM-SHA-512": self.MAKERS["SCRAM-SHA-512"]})
        self.assert_refused(broker, self.auth("PLAIN"), "_AUTHENTICATION", KAFKA_PASSWORD=SECRET)

    def test_without_credentials_a_broker_that_wants_some_takes_nothing(self):
        answer, _ = self.post(self.broker({"PLAIN": self.MAKERS["PLAIN"]}), "", timeout="1500ms")
        self.assertEqual(answer.status, 504)

    def test_a_password_is_read_from_its_file(self):
        secrets = self.directory()
        secrets.write("password", SECRET + "\n")
        broker = self.broker({"PLAIN": self.MAKERS["PLAIN"]})
        self.assert_published(broker, self.auth("PLAIN", f"{{fromFile: {secrets.path}/password}}"))

    def test_a_changed_password_is_used_after_a_reload(self):
        secrets = self.directory()
        secrets.write("password", "wr0ng")
        broker = self.broker({"PLAIN": self.MAKERS["PLAIN"]})
        link = self.assert_refused(broker, self.auth("PLAIN", f"{{fromFile: {secrets.path}/password}}"), "_AUTHENTICATION")
        secrets.write("password", SECRET)
        request(link.admin_port, "POST", "/reload")
        poll("it publishes", lambda: request(link.port(), "POST", "/link/a", b"x").status == 200)


class Tls(SecureCase):
    def certificates(self, names="IP:127.0.0.1,DNS:localhost"):
        folder = self.directory().path
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=x", "-addext", f"subjectAltName={names}", "-keyout", folder / "key", "-out", folder / "cert"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert", folder / "key")
        return folder, context

    def test_a_broker_that_is_trusted_gets_the_record(self):
        folder, context = self.certificates()
        self.assert_published(self.broker(context=context), f"      tls: {{enabled: true, caFile: {folder}/cert}}\n")

    def test_a_broker_that_is_not_trusted_gets_nothing(self):
        _, context = self.certificates()
        self.assert_refused(self.broker(context=context), "      tls: {enabled: true}\n", "_SSL")

    def test_a_broker_of_another_name_gets_nothing(self):
        folder, context = self.certificates("DNS:elsewhere.example")
        self.assert_refused(self.broker(context=context), f"      tls: {{enabled: true, caFile: {folder}/cert}}\n", "_SSL")

    def test_not_to_verify_is_possible_and_told_loudly(self):
        _, context = self.certificates("DNS:elsewhere.example")
        link = self.assert_published(self.broker(context=context), "      tls: {enabled: true, skipVerify: true}\n")
        self.assertTrue(link.log("THE BROKERS ARE NOT VERIFIED (tls.skipVerify): whoever answers gets records and credentials"))

    def test_a_certificate_is_shown_to_who_wants_one(self):
        folder, context = self.certificates()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "cert")
        broker = self.broker(context=context)
        self.assert_published(broker, f"      tls: {{enabled: true, caFile: {folder}/cert, certFile: {folder}/cert, keyFile: {folder}/key}}\n")
        self.assertEqual(broker.peers[0]["subject"], ((("commonName", "x"),),))
        without = self.broker(context=context)
        answer, _ = self.post(without, f"      tls: {{enabled: true, caFile: {folder}/cert}}\n", timeout="1500ms")
        self.assertEqual((answer.status, without.produced), (504, []))

    def test_plain_text_does_not_get_through_to_tls_or_back(self):
        folder, context = self.certificates()
        answer, _ = self.post(self.broker(context=context), "", timeout="1500ms")
        self.assertEqual(answer.status, 504)
        answer, _ = self.post(self.broker(), f"      tls: {{enabled: true, caFile: {folder}/cert}}\n", timeout="1500ms")
        self.assertEqual(answer.status, 504)

    def test_credentials_go_within_tls(self):
        folder, context = self.certificates()
        broker = self.broker({"SCRAM-SHA-512": Passwords.MAKERS["SCRAM-SHA-512"]}, context)
        link = self.assert_published(broker, f"      tls: {{enabled: true, caFile: {folder}/cert}}\n"
                                     "      auth: {mechanism: SCRAM-SHA-512, username: fiso, password: {fromEnv: KAFKA_PASSWORD}}\n", KAFKA_PASSWORD=SECRET)
        self.assertFalse(link.log("credentials go to the brokers without TLS"))


class Tokens(SecureCase):
    def endpoint(self, token="t0ken"):
        return self.service(lambda asked: (200, {"Content-Type": "application/json"},
                                           json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600}).encode()))

    def oauth(self, url, keys="provider: clientCredentials, clientSecretEnv: CLIENT_SECRET, scope: \"a b\""):
        return f"      auth:\n        mechanism: OAUTHBEARER\n        oauth: {{{keys}, clientId: fiso, tokenUrl: \"{url}\"}}\n"

    def test_a_token_is_got_and_shown(self):
        endpoint, broker = self.endpoint(), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        keys = 'provider: clientCredentials, clientSecretEnv: CLIENT_SECRET, scope: "a b", extensions: {logicalCluster: lkc, poolId: p1}'
        link = self.assert_published(broker, self.oauth(f"http://127.0.0.1:{endpoint.port}/token", keys), CLIENT_SECRET=SECRET)
        form = urllib.parse.parse_qs(endpoint.asked[0]["body"].decode())
        self.assertEqual(form, {"grant_type": ["client_credentials"], "scope": ["a b"], "client_id": ["fiso"], "client_secret": [SECRET]})
        self.assertTrue({"logicalCluster=lkc", "poolId=p1"} <= set(broker.conversations[0].parts))
        self.assertEqual(link.metric("fiso_link_auth_refresh_total", target="kafka:main", status="success"), 1)

    def test_azure_is_asked_as_azure_wants_it(self):
        endpoint, broker = self.endpoint(), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        keys = "provider: azure, tenantId: t-1, clientSecretEnv: CLIENT_SECRET, scope: \"https://ns.servicebus.windows.net/.default\""
        self.assert_published(broker, self.oauth(f"http://127.0.0.1:{endpoint.port}/t-1/oauth2/v2.0/token", keys), CLIENT_SECRET=SECRET)
        asked = endpoint.asked[0]
        self.assertEqual((asked["method"], asked["path"]), ("POST", "/t-1/oauth2/v2.0/token"))
        self.assertEqual(urllib.parse.parse_qs(asked["body"].decode())["scope"], ["https://ns.servicebus.windows.net/.default"])

    def test_a_secret_of_the_client_is_read_from_its_file(self):
        secrets = self.directory()
        secrets.write("client", SECRET)
        endpoint, broker = self.endpoint(), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        keys = f"provider: clientCredentials, clientSecretFile: {secrets.path}/client"
        self.assert_published(broker, self.oauth(f"http://127.0.0.1:{endpoint.port}/token", keys))
        self.assertEqual(urllib.parse.parse_qs(endpoint.asked[0]["body"].decode())["client_secret"], [SECRET])

    def test_a_token_that_the_broker_does_not_take_publishes_nothing(self):
        endpoint, broker = self.endpoint("wr0ng"), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        self.assert_refused(broker, self.oauth(f"http://127.0.0.1:{endpoint.port}/token"), "_AUTHENTICATION", CLIENT_SECRET=SECRET)

    def test_without_a_token_nothing_is_published(self):
        endpoint, broker = self.service(lambda asked: (401, {}, b'{"error":"invalid_client"}')), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        answer, link = self.post(broker, self.oauth(f"http://127.0.0.1:{endpoint.port}/token"), timeout="1500ms", CLIENT_SECRET=SECRET)
        self.assertEqual((answer.status, broker.produced), (504, []))
        self.assertIn("invalid_client", link.wait_log("secret cannot be used, requests to the target are refused")[0]["error"])

    def test_a_token_endpoint_with_tls_is_verified(self):
        endpoint, broker = self.endpoint(), self.broker({"OAUTHBEARER": lambda: Bearer("t0ken")})
        trusted = self.certificate().wrap(endpoint)
        keys = "provider: clientCredentials, clientSecretEnv: CLIENT_SECRET"
        url = f"https://127.0.0.1:{endpoint.port}/token"
        answer, _ = self.post(broker, self.oauth(url, keys), timeout="1500ms", CLIENT_SECRET=SECRET)
        self.assertEqual(answer.status, 504)
        self.assert_published(broker, self.oauth(url, keys + f", caFile: {trusted}"), CLIENT_SECRET=SECRET)


class Canaries(SecureCase):
    """Secrets of clusters and of callers, sought in all that is told to anybody but whom they are for; the callers' in records too."""
    CALLERS = {"Authorization": "Bearer {}", "Cookie": "s={}", "X-Session-Token": "{}", "X-Id-Token": "{}", "Ocp-Apim-Subscription-Key": "{}",
               "DPoP": "{}", "Signature": "sig1=:{}:", "X-Hub-Signature-256": "sha256={}", "X-Api-Key": "{}"}

    def forms(self, secret):
        for text in (secret, secret[::-1], secret.encode().hex(), urllib.parse.quote(secret)):
            yield text.encode()
        for before in range(3):
            yield base64.b64encode(b"x" * before + secret.encode())[4:-4]

    def drive(self, cluster, broker, **env):
        """What is told of posts that pass and of some that do not, and what was given to the brokers."""
        self.callers = {name: "caller" + os.urandom(12).hex() for name in self.CALLERS}
        link = self.kafka_link(f"127.0.0.1:{broker.port}", ("a", "    timeout: 2s\n", "key: {type: header, field: X-Key}"), cluster=cluster,
                               FISO_LOG_LEVEL="debug", **env)
        headers = {name: self.CALLERS[name].format(secret) for name, secret in self.callers.items()}
        answers = [request(link.port(), "POST", "/link/a", b"the body", {**headers, **more}) for more in ({"X-Key": "k"}, {})]
        told = [repr(sorted(answer.headers.items())).encode() + answer.body for answer in answers]
        told += [get(link.admin_port, path).body for path in ("/metrics", "/readyz", "/reload")]
        link.stop()
        return [answer.status for answer in answers], b"".join([*told, *link.lines, link.errors]), repr(broker.produced).encode()

    def assert_untold(self, secrets, told):
        for name, secret in secrets.items():
            for form in self.forms(secret):
                self.assertNotIn(form, told, name)

    def test_passwords_are_told_to_the_brokers_alone(self):
        for mechanism, maker in (("PLAIN", Plain), ("SCRAM-SHA-512", lambda user, password: Scram(user, password, "sha512"))):
            for good in (True, False):
                secret = "kafka" + os.urandom(12).hex()
                broker = self.broker({mechanism: lambda make=maker, word=secret: make("fiso", word if good else "another")})
                auth = f"      auth: {{mechanism: {mechanism}, username: fiso, password: {{fromEnv: KAFKA_PASSWORD}}}}\n"
                statuses, told, records = self.drive(auth, broker, KAFKA_PASSWORD=secret)
                self.assertEqual((statuses, b"the body" in records), ([200 if good else 504, 400], good))
                self.assert_untold({"password": secret, **self.callers}, told)
                self.assert_untold(self.callers, records)

    def test_tokens_and_the_clients_secret_are_not_told_either(self):
        for good in (True, False):
            token, secret = "token" + os.urandom(12).hex(), "client" + os.urandom(12).hex()
            endpoint = self.service(lambda asked, token=token: (200, {}, json.dumps({"access_token": token, "expires_in": 3600}).encode()))
            broker = self.broker({"OAUTHBEARER": lambda token=token: Bearer(token if good else "another")})
            oauth = ("      auth:\n        mechanism: OAUTHBEARER\n        oauth: {provider: clientCredentials, clientSecretEnv: CLIENT_SECRET, "
                     f"clientId: fiso, tokenUrl: \"http://127.0.0.1:{endpoint.port}/token\"}}\n")
            statuses, told, records = self.drive(oauth, broker, CLIENT_SECRET=secret)
            self.assertEqual(statuses, [200 if good else 504, 400])
            self.assertIn(secret, endpoint.asked[0]["body"].decode(), "the test sends what it seeks")
            self.assert_untold({"token": token, "secret": secret, **self.callers}, told)
            self.assert_untold(self.callers, records)


if __name__ == "__main__":
    main()
