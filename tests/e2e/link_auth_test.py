#!/usr/bin/env python3
"""fiso-link's credentials: tokens of an OAuth2 server, secrets of a Vault; nothing goes out without them, and none is told."""
import base64
import contextlib
import json
import os
import pathlib
import socket
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from harness import ReservedPort, environment, get, main, poll, request, run
from link_harness import FISO_LINK, QUICK, LinkCase, Service


class TokenServer(Service):
    """An OAuth2 token endpoint: token-1, token-2, ... Until `answers` is set it waits."""

    def __init__(self, expires_in=3600):
        self.answers = threading.Event()
        self.answers.set()
        self.status = 200
        self.expires_in = expires_in
        super().__init__(self.give)

    def give(self, _):
        number = len(self.asked)
        self.answers.wait(60)
        if self.status != 200:
            return self.status, {}, b'{"error": "invalid_client", "error_description": "c1ient-s3cret"}'
        token = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": self.expires_in}
        return 200, {"Content-Type": "application/json"}, json.dumps(token).encode()

    def form(self, number=-1):
        return urllib.parse.parse_qs(self.asked[number]["body"].decode(), strict_parsing=True)

    def auth(self, more="", secret="secretRef: {envVar: CLIENT_SECRET}"):
        return (f"    auth:\n      type: oauth2\n      {secret}\n      oauth2:\n        tokenUrl: http://127.0.0.1:{self.port}/oauth/token\n"
                f"        clientId: fiso\n{more}")


class Vault(Service):
    """What of a Vault's HTTP API fiso-link uses, in memory: reads of both versions of KV, logins of Kubernetes roles."""

    def __init__(self, token="vault-t0ken"):
        self.tokens = {token}
        self.secrets = {}  # path below /v1/: the answer's data
        self.roles = {}    # role: the service account's token that it takes
        self.lease = 0
        super().__init__(self.give)

    def give(self, asked):
        headers = {name.lower(): value for name, value in asked["headers"]}
        path = asked["path"].removeprefix("/v1/")
        if asked["method"] == "POST" and path == "auth/kubernetes/login":
            login = json.loads(asked["body"])
            if self.roles.get(login["role"]) != login["jwt"]:
                return self.answer_with(403, {"errors": ["permission denied " + login["jwt"]]})
            token = f"login-{login['role']}-{len(self.tokens)}"
            self.tokens.add(token)
            return self.answer_with(200, {"auth": {"client_token": token, "lease_duration": 3600}})
        if headers.get("x-vault-token") not in self.tokens:
            return self.answer_with(403, {"errors": ["permission denied " + headers.get("x-vault-token", "")]})
        if path not in self.secrets:
            return self.answer_with(404, {"errors": []})
        return self.answer_with(200, {"lease_duration": self.lease, "data": self.secrets[path]})

    @staticmethod
    def answer_with(status, content):
        return status, {"Content-Type": "application/json"}, json.dumps(content).encode()

    def hold(self, path, **fields):
        """A secret of KV version 2."""
        self.secrets[path] = {"data": fields, "metadata": {"version": 1}}

    def config(self, more="  secretRef: {envVar: VAULT_TOKEN}\n"):
        return f"vault:\n  address: http://127.0.0.1:{self.port}\n{more}"

    def reads(self):
        return [asked["path"] for asked in self.asked if asked["method"] == "GET"]


def authorization(service, number=-1):
    return service.headers(number).get("authorization")


class AuthCase(LinkCase):
    def tokens(self, **arguments):
        return self.closing(TokenServer(**arguments))

    def vault(self, **arguments):
        return self.closing(Vault(**arguments))

    def refreshes(self, link, status, target="api"):
        return link.metric("fiso_link_auth_refresh_total", target=target, status=status)

    def assert_refused(self, link, path="/link/api/"):
        answer = get(link.port(), path)
        self.assertEqual((answer.status, answer.text), (500, "auth error\n"))


class Tokens(AuthCase):
    def test_all_who_come_wait_for_one_token_and_send_it(self):
        tokens, service = self.tokens(), self.service()
        tokens.answers.clear()
        link = self.link(("api", service.port, tokens.auth()), more="shards: 2\n", CLIENT_SECRET="s")
        poll("a token is asked for", lambda: len(tokens.asked) == 1)
        with ThreadPoolExecutor(20) as callers:
            answers = [callers.submit(get, link.port(), "/link/api/") for _ in range(20)]
            tokens.answers.set()
            self.assertEqual({answer.result().status for answer in answers}, {200})
        self.assertEqual((len(tokens.asked), len(service.asked)), (1, 20))
        self.assertEqual({authorization(service, i) for i in range(20)}, {"Bearer token-1"})
        self.assertEqual(self.refreshes(link, "success"), 1)

    def test_a_token_is_asked_for_as_it_is_configured(self):
        tokens, service = self.tokens(), self.service()
        more = "        scopes: [read, \"write:all\"]\n        audience: https://api.example/\n"
        link = self.link(("api", service.port, tokens.auth(more)), ("body", service.port, tokens.auth("        authStyle: body\n")),
                         CLIENT_SECRET="s+ecret")
        poll("both are asked for", lambda: len(tokens.asked) == 2)
        basic = next(i for i in range(2) if authorization(tokens, i))
        self.assertEqual((tokens.asked[basic]["method"], tokens.asked[basic]["path"]), ("POST", "/oauth/token"))
        self.assertEqual(base64.b64decode(authorization(tokens, basic).removeprefix("Basic ")), b"fiso:s%2Becret")
        self.assertEqual(tokens.form(basic), {"grant_type": ["client_credentials"], "scope": ["read write:all"],
                                              "audience": ["https://api.example/"]})
        self.assertEqual(tokens.form(1 - basic), {"grant_type": ["client_credentials"], "client_id": ["fiso"], "client_secret": ["s+ecret"]})
        for name in ("api", "body"):
            self.assertEqual(get(link.port(), f"/link/{name}/").status, 200)

    def test_a_token_is_replaced_in_the_background_before_its_end(self):
        tokens, service = self.tokens(expires_in=2), self.service()
        link = self.link(("api", service.port, tokens.auth()), CLIENT_SECRET="s")

        def third_is_sent():
            self.assertEqual(get(link.port(), "/link/api/").status, 200)
            return authorization(service) == "Bearer token-3"
        poll("the third token", third_is_sent)
        self.assertNotIn(None, [authorization(service, i) for i in range(len(service.asked))])

    def test_without_a_token_nothing_goes_out_until_there_is_one(self):
        service, free = self.service(), self.closing(ReservedPort())
        tokens = self.tokens()
        tokens.status = 401
        away = f"    auth: {{type: oauth2, secretRef: {{envVar: S}}, oauth2: {{tokenUrl: \"http://{free.address}/\", clientId: a}}}}\n"
        link = self.link(("api", service.port, tokens.auth()), ("away", service.port, away), CLIENT_SECRET="c1ient-s3cret", S="s")
        self.assert_refused(link)
        self.assert_refused(link, "/link/away/")
        refused = link.wait_log("secret cannot be used, requests to the target are refused", 2)
        self.assertEqual({line["target"]: line["error"].rpartition(": ")[2] for line in refused},
                         {"api": "the token endpoint answered 401 invalid_client", "away": "connection refused"})
        self.assertEqual(service.asked, [])
        self.assertGreaterEqual(self.refreshes(link, "error"), 1)
        tokens.status = 200
        poll("it recovers", lambda: get(link.port(), "/link/api/").status == 200)
        self.assertNotIn(b"c1ient-s3cret", b"".join(link.lines))

    def test_a_silent_token_endpoint_is_waited_for_as_long_as_the_request_has(self):
        tokens, service = self.tokens(), self.service()
        tokens.answers.clear()
        self.addCleanup(tokens.answers.set)
        link = self.link(("api", service.port, "    timeout: 200ms\n" + tokens.auth()), CLIENT_SECRET="s")
        self.assert_refused(link)
        self.assertEqual((service.asked, self.requests_total(link, target="api", status="500")), ([], 1))

    def test_a_token_that_the_target_refuses_is_replaced_but_not_again_and_again(self):
        tokens = self.tokens()
        revoked = {"Bearer token-1"}
        service = self.service(lambda asked: (401 if dict(asked["headers"])["Authorization"] in revoked else 200, {}, b""))
        link = self.link(("api", service.port, tokens.auth()), CLIENT_SECRET="s")
        self.assertEqual(get(link.port(), "/link/api/").status, 401)
        poll("the next one is sent", lambda: get(link.port(), "/link/api/").status == 200)
        revoked.add("Bearer token-2")
        self.assertEqual([get(link.port(), "/link/api/").status for _ in range(20)], [401] * 20)
        self.assertEqual(len(tokens.asked), 2)
        self.assertEqual(len(link.log("credential was not accepted, another one is asked for")), 1)

    def test_a_changed_secret_of_the_client_brings_another_token(self):
        tokens, service, secrets = self.tokens(), self.service(), self.directory()
        secrets.write("s", "one")
        link = self.link(("api", service.port, tokens.auth(secret=f"secretRef: {{filePath: {secrets.path}/s}}")))
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        secrets.write("s", "two")
        poll("another token", lambda: get(link.port(), "/link/api/").status == 200 and authorization(service) == "Bearer token-2")
        self.assertEqual(base64.b64decode(authorization(tokens).removeprefix("Basic ")), b"fiso:two")

    def test_a_token_endpoint_with_tls_is_verified(self):
        tokens, service = self.tokens(), self.service()
        authority = self.certificate().wrap(tokens)
        auth = tokens.auth().replace("http:", "https:")
        link = self.link(("api", service.port, auth + f"        tls: {{caFile: {authority}}}\n"), ("system", service.port, auth),
                         CLIENT_SECRET="s")
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        self.assert_refused(link, "/link/system/")
        self.assertEqual(len(tokens.asked), 1)

    def test_a_stop_does_not_wait_for_a_token(self):
        tokens = self.tokens()
        tokens.answers.clear()
        self.addCleanup(tokens.answers.set)
        link = self.link(("api", 1, tokens.auth()), CLIENT_SECRET="s")
        poll("a token is asked for", lambda: tokens.asked)
        self.assertEqual(link.stop(), 0)


class Vaults(AuthCase):
    def test_a_secret_of_either_version_is_sent(self):
        vault, service = self.vault(), self.service()
        vault.hold("kv/data/api", token="two", password="p")
        vault.secrets["old/api"] = {"token": "one"}
        link = self.link(("two", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api}}\n"),
                         ("one", service.port, "    auth: {type: apikey, header: X-Key, vaultRef: {path: old/api}}\n"),
                         ("field", service.port, "    auth: {type: basic, username: u, vaultRef: {path: kv/data/api, field: password}}\n"),
                         more=vault.config("  secretRef: {envVar: VAULT_TOKEN}\n  namespace: team/a\n"), VAULT_TOKEN="vault-t0ken")
        for name, header, value in (("two", "authorization", "Bearer two"), ("one", "x-key", "one"), ("field", "authorization", "Basic dTpw")):
            self.assertEqual(get(link.port(), f"/link/{name}/").status, 200)
            self.assertEqual(service.headers()[header], value)
        self.assertEqual(sorted(vault.reads()), ["/v1/kv/data/api", "/v1/kv/data/api", "/v1/old/api"])
        self.assertEqual({vault.headers(i)["x-vault-namespace"] for i in range(3)}, {"team/a"})

    def test_a_lease_is_read_again_before_its_end(self):
        vault, service = self.vault(), self.service()
        vault.lease = 1
        vault.hold("kv/data/api", token="one")
        link = self.link(("api", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api}}\n"), more=vault.config(), VAULT_TOKEN="vault-t0ken")
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        vault.hold("kv/data/api", token="two")
        poll("the next one", lambda: get(link.port(), "/link/api/").status == 200 and authorization(service) == "Bearer two")

    def test_a_role_logs_in_with_the_service_account(self):
        vault, service, account = self.vault(), self.service(), self.directory()
        account.write("jwt", "account-jwt\n")
        vault.roles["reader"] = "account-jwt"
        vault.hold("kv/data/api", token="t")
        link = self.link(("api", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api, role: reader}}\n"),
                         more=vault.config(f"  kubernetes: {{tokenFile: {account.path}/jwt}}\n"))
        self.assertEqual((get(link.port(), "/link/api/").status, authorization(service)), (200, "Bearer t"))
        self.assertTrue(vault.headers()["x-vault-token"].startswith("login-reader-"))

    def test_what_the_vault_refuses_is_not_sent_any_more(self):
        vault, service, folder = self.vault(), self.service(), self.directory()
        folder.write("token", "vault-t0ken")
        vault.hold("kv/data/api", token="one")
        link = self.link(("api", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api}}\n"),
                         more=vault.config(f"  secretRef: {{filePath: {folder.path}/token}}\n"))
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        folder.write("token", "wr0ng")
        poll("it is refused", lambda: get(link.port(), "/link/api/").status == 500)
        self.assert_refused(link)
        refused = link.wait_log("secret cannot be used, requests to the target are refused")[0]
        self.assertIn("the vault answered 403 to the read", refused["error"])
        sent = len(service.asked)
        folder.write("token", "vault-t0ken")
        poll("it is back", lambda: get(link.port(), "/link/api/").status == 200)
        self.assertEqual({authorization(service, i) for i in range(sent, len(service.asked))}, {"Bearer one"})

    def test_a_vault_that_is_not_there_is_no_reason_not_to_start(self):
        service, free = self.service(), self.closing(ReservedPort())
        link = self.link(("api", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api}}\n"), ("plain", service.port, ""),
                         more=f"vault: {{address: \"http://{free.address}\", secretRef: {{envVar: V}}}}\n", V="v")
        self.assert_refused(link)
        self.assertEqual(get(link.port(), "/link/plain/").status, 200)

    def test_a_vault_with_tls_is_verified(self):
        for is_known in (True, False):
            vault, service = self.vault(), self.service()
            authority = self.certificate().wrap(vault)
            vault.hold("kv/data/api", token="t")
            config = vault.config().replace("http:", "https:") + (f"  tls: {{caFile: {authority}}}\n" if is_known else "")
            link = self.link(("api", service.port, "    auth: {type: bearer, vaultRef: {path: kv/data/api}}\n"), more=config, VAULT_TOKEN="vault-t0ken")
            self.assertEqual(get(link.port(), "/link/api/").status, 200 if is_known else 500)
            self.assertEqual(len(vault.asked), 1 if is_known else 0)

    def test_the_secret_of_an_oauth2_client_may_come_from_it(self):
        vault, tokens, service = self.vault(), self.tokens(), self.service()
        vault.hold("kv/data/client", token="from-vault")
        link = self.link(("api", service.port, tokens.auth(secret="vaultRef: {path: kv/data/client}")), more=vault.config(), VAULT_TOKEN="vault-t0ken")
        self.assertEqual((get(link.port(), "/link/api/").status, authorization(service)), (200, "Bearer token-1"))
        self.assertEqual(base64.b64decode(authorization(tokens).removeprefix("Basic ")), b"fiso:from-vault")


class Callers(AuthCase):
    def test_a_caller_cannot_take_the_credentials_out(self):
        service = self.service()
        link = self.link(("api", service.port, "    auth: {type: bearer, secretRef: {envVar: S}}\n"),
                         ("key", service.port, "    auth: {type: apikey, header: X-Key, secretRef: {envVar: S}}\n"), S="ours")
        for names in ("Authorization", "close, authorization", "X-Key", "keep-alive, x-key, Fiso-Correlation-Id"):
            headers = {"Connection": names, "Authorization": "theirs", "X-Key": "theirs"}
            self.assertEqual(request(link.port(), "GET", "/link/api/", headers=headers).status, 200)
            self.assertEqual(service.headers()["authorization"], "Bearer ours", names)
            self.assertEqual(request(link.port(), "GET", "/link/key/", headers=headers).status, 200)
            self.assertEqual(service.headers()["x-key"], "ours", names)
            self.assertIn("fiso-correlation-id", service.headers())


class Canaries(AuthCase):
    """One secret of each kind, sought in all that is told to anybody but whom it is for."""
    NAMES = ("bearer", "apikey", "basic-password", "basic-encoded", "client", "client-body", "token", "vault-token", "vault-secret", "vault-login", "jwt",
             "file", "caller", "cookie", "query", "body", "badtoken")

    def setUp(self):
        self.canary = {name: f"canary{i:02}{os.urandom(8).hex()}" for i, name in enumerate(self.NAMES)}
        self.replies = []

    def ask(self, port, method, path, body=None, **more):
        headers = {"Authorization": "Bearer " + self.canary["caller"], "Cookie": "s=" + self.canary["cookie"], **more}
        answer = request(port, method, path + "?k=" + self.canary["query"], body, headers)
        self.replies.append(repr(sorted(answer.headers.items())).encode() + answer.body)
        return answer.status

    def raw(self, port, text):
        answer = b""
        with socket.create_connection(("127.0.0.1", port), 60) as connection, contextlib.suppress(OSError):  # it may be cut
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        self.replies.append(answer)

    def forms(self):
        """Each canary as it is, and as others write it: in base64, at each place that it can have within other text."""
        for name, canary in self.canary.items():
            for text in (canary, canary[::-1], canary.encode().hex()):
                yield name, text.encode()
            for before in range(3):
                yield name, base64.b64encode(b"x" * before + canary.encode())[4:-4]

    def servers(self):
        self.echo_tokens = self.service(lambda asked: (400, {}, json.dumps({
            "error": self.canary["client"], "error_description": asked["body"].decode() + str(asked["headers"])}).encode()))
        self.tokens = self.service(lambda asked: (200, {}, json.dumps({"access_token": self.canary["token"], "expires_in": 1}).encode()))
        self.bad_tokens = self.service(lambda asked: (200, {}, json.dumps({"access_token": "x\r\n" + self.canary["badtoken"]}).encode()))
        self.vault_server = self.vault(token=self.canary["vault-token"])
        self.vault_server.roles["r"] = self.canary["jwt"]
        self.vault_server.hold("kv/data/a", token=self.canary["vault-secret"])
        self.silent = self.closing(socket.create_server(("127.0.0.1", 0)))
        self.free = self.closing(ReservedPort())
        statuses = iter(range(10**9))
        self.target = self.service(lambda asked: ([200, 204, 302, 401, 403, 404, 429, 500, 503][next(statuses) % 9], {}, b""))

    def config(self):
        def oauth(server, secret, more=""):
            return (f"    auth: {{type: oauth2, secretRef: {{envVar: {secret}}}, oauth2: {{tokenUrl: \"http://127.0.0.1:{server.port}/t\", "
                    f"clientId: fiso{more}}}}}\n")
        port, breaker = self.target.port, "    circuitBreaker: {enabled: true, failureThreshold: 1}\n"
        env = "    auth: {{type: {0}, secretRef: {{envVar: {1}}}{2}}}\n"
        vault = "    auth: {{type: bearer, vaultRef: {{path: {0}{1}}}}}\n"
        return [("bearer", port, env.format("bearer", "BEARER", "") + QUICK), ("apikey", port, env.format("apikey", "APIKEY", ", header: X-Key") + QUICK),
                ("basic", port, env.format("basic", "PASSWORD", ", username: user") + QUICK), ("encoded", port, env.format("basic", "ENCODED", "") + QUICK),
                ("file", port, f"    auth: {{type: bearer, secretRef: {{filePath: {self.secrets.path}/file}}}}\n" + QUICK),
                ("oauth", port, oauth(self.tokens, "CLIENT") + QUICK), ("form", port, oauth(self.tokens, "CLIENTBODY", ", authStyle: body") + QUICK),
                ("echo", port, oauth(self.echo_tokens, "CLIENT")), ("echoform", port, oauth(self.echo_tokens, "CLIENTBODY", ", authStyle: body")),
                ("badtoken", port, oauth(self.bad_tokens, "CLIENT")), ("notokens", port, oauth(self.free, "CLIENT")),
                ("vault", port, vault.format("kv/data/a", "") + QUICK), ("novault", port, vault.format("kv/data/none", "")),
                ("role", port, vault.format("kv/data/a", ", role: r") + QUICK), ("norole", port, vault.format("kv/data/a", ", role: none")),
                ("down", self.free.port, env.format("bearer", "BEARER", "") + QUICK + breaker),
                ("silent", self.silent.getsockname()[1], env.format("bearer", "BEARER", "") + "    timeout: 200ms\n" + QUICK),
                ("limited", port, env.format("bearer", "BEARER", "") + "    rateLimit: {requestsPerSecond: 0.001, burst: 1}\n"),
                ("bounded", port, env.format("bearer", "BEARER", "") + "    allowedPaths: [/a]\n")]

    def drive(self, port, names):
        for name in names:
            for method, body in (("GET", None), ("POST", self.canary["body"]), ("HEAD", None)):
                for _ in range(3):
                    self.ask(port, method, f"/link/{name}/{self.canary['query']}", body)
        self.ask(port, "GET", "/link/none/")
        self.ask(port, "GET", "/elsewhere")
        self.ask(port, "GET", "/link/bearer/../../x")
        self.ask(port, "GET", "/link/bearer/", Origin="https://evil.example")
        secret = f"Authorization: Bearer {self.canary['caller']}\r\n"
        for head in ("GARBAGE\r\n" + secret, "GET /link/bearer/ HTTP/1.1\r\nHost: a\r\n" + secret + "Broken\r\n", "GET / HTTP/9.9\r\n" + secret,
                     "POST /link/bearer/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n" + secret,
                     "GET /link/bearer/ HTTP/1.1\r\nHost: a\r\n" + secret + "X: " + "y" * 70000 + "\r\n",
                     "POST /link/bearer/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n" + secret):
            self.raw(port, head + "\r\n" + self.canary["body"])

    def test_no_secret_is_told_to_anybody_else(self):
        self.servers()
        self.secrets = self.directory()
        self.secrets.write("file", self.canary["file"])
        self.secrets.write("jwt", self.canary["jwt"])
        encoded = base64.b64encode(f"user:{self.canary['basic-encoded']}".encode()).decode()
        targets = self.config()
        vault = self.vault_server.config(f"  secretRef: {{envVar: VAULT}}\n  kubernetes: {{tokenFile: {self.secrets.path}/jwt}}\n")
        link = self.link(*targets, more=vault, FISO_LOG_LEVEL="debug", BEARER=self.canary["bearer"], APIKEY=self.canary["apikey"],
                         PASSWORD=self.canary["basic-password"], ENCODED=encoded, CLIENT=self.canary["client"],
                         CLIENTBODY=self.canary["client-body"], VAULT=self.canary["vault-token"])
        for _ in range(2):
            self.drive(link.port(), [name for name, _, _ in targets])
        sent = b"".join(repr(asked["headers"]).encode() for asked in self.target.asked)
        for name in ("bearer", "apikey", "token", "vault-secret", "file"):
            self.assertIn(self.canary[name].encode(), sent, "the test sends what it seeks")
        self.secrets.write("file", "not a\nheader " + self.canary["file"])
        poll("the spoilt file is seen", lambda: self.ask(link.port(), "GET", "/link/file/") == 500)
        pages = [get(link.admin_port, path).body for path in ("/metrics", "/healthz", "/readyz", "/reload", "/")]
        command_line = pathlib.Path(f"/proc/{link.process.pid}/cmdline").read_bytes()
        link.stop()
        told = {"log": b"".join(link.lines), "stderr": link.errors, "replies": b"".join(self.replies), "pages": b"".join(pages),
                "command line": command_line}
        self.assertGreater(len(link.log("proxy request completed")), 50)
        self.assertIn(b'"level":"DEBUG"', told["log"])
        for name, form in self.forms():
            for where, text in told.items():
                self.assertNotIn(form, text, (name, where))

    def test_what_is_wrong_with_a_secret_is_told_without_it(self):
        files = self.directory()
        files.write("secret", "a b\n" + self.canary["file"])
        files.write("link.yaml", "targets:\n" + "".join(
            f"  - {{name: t{i}, host: a, auth: {{type: {kind}, secretRef: {{{ref}}}}}}}\n"
            for i, (kind, ref) in enumerate((("bearer", f"filePath: {files.path}/secret"), ("apikey", "envVar: SPOILT"), ("oauth2", "envVar: SPOILT")))))
        for flags in (["-check"], []):
            done = run(FISO_LINK, "-config", files.path / "link.yaml", *flags, env=environment(SPOILT="\x07" + self.canary["apikey"]))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"the secret holds what a header cannot carry", done.stderr)
            for name in ("file", "apikey"):
                self.assertNotIn(self.canary[name].encode(), done.stderr + done.stdout)


if __name__ == "__main__":
    main()
