#!/usr/bin/env python3
"""Every key of the link file has an effect: a list of which test shows it, and the tests of those that no other test needs."""
import http.client
import pathlib
import re
import socket
import threading
import unittest

from harness import SOURCE, ReservedPort, get, main, poll, request
from link_harness import QUICK, Link, LinkCase

# Of each key the test that fails without its effect. C++ tests as FILE:SUITE.NAME, below src/.
SHOWN_BY = {
    "listenAddr": "Process.test_both_addresses_are_listened_on",
    "listenTls.certFile": "link_tls_test.py:Listening.test_a_reload_may_name_other_files_and_may_not_switch_it_off",
    "listenTls.keyFile": "link_tls_test.py:Listening.test_a_reload_may_name_other_files_and_may_not_switch_it_off",
    "metricsAddr": "Process.test_both_addresses_are_listened_on",
    "allowOrigins": "link_test.py:Rules.test_pages_of_other_sites_are_refused_unless_they_are_listed",
    "shards": "Process.test_there_are_as_many_shards",
    "shutdownTimeout": "Process.test_a_stop_waits_no_longer",
    "http.maxConnections": "Limits.test_connections",
    "http.maxHeaderBytes": "Limits.test_header_bytes",
    "http.maxHeaders": "Limits.test_headers",
    "http.headerTimeout": "Limits.test_the_time_of_a_head",
    "http.bodyTimeout": "Limits.test_the_time_of_a_body",
    "http.idleTimeout": "Limits.test_the_time_between_requests",
    "http.writeTimeout": "Limits.test_the_time_to_take_an_answer",
    "http.maxBodyBytes": "link_interceptors_test.py:Requests.test_a_body_beyond_the_limit_is_413",
    "http.maxTotalBodyBytes": "link_interceptors_test.py:Requests.test_bodies_beyond_what_the_process_has_for_them_are_503",
    "wasm.maxInstances": "link_interceptors_test.py:Requests.test_guests_beyond_the_limit_of_the_process_are_503",
    "wasm.instanceQueue": "link_interceptors_test.py:Requests.test_guests_beyond_the_limit_of_the_process_are_503",
    "nameServers": "link_reach_test.py:Names.test_a_name_is_looked_up_and_told_to_the_target",
    "targets[].allowPrivate": "link_reach_test.py:Addresses.test_neighbours_are_allowed_unless_the_target_says_otherwise",
    "targets[].allowAddresses": "link_reach_test.py:Addresses.test_an_address_in_the_file_is_refused_however_it_is_written_unless_it_is_listed",
    "targets[].tls.certFile": "link_tls_test.py:Showing.test_a_certificate_is_shown_to_who_wants_one",
    "targets[].tls.keyFile": "link_tls_test.py:Showing.test_a_certificate_is_shown_to_who_wants_one",
    "targets[].tls.skipVerify": "link_tls_test.py:Verifying.test_not_to_verify_is_possible_and_told_loudly",
    "targets[].tls.serverName": "link_tls_test.py:Verifying.test_another_name_is_refused_unless_it_is_the_one_to_expect",
    "targets[].interceptors[].type": "link_interceptors_test.py:Configuring.test_what_is_wrong_is_told_at_its_place",
    "targets[].interceptors[].config.module": "link_interceptors_test.py:Requests.test_a_guest_sees_the_request_and_its_payload_goes_out",
    "targets[].interceptors[].config.phase": "link_interceptors_test.py:Answers.test_requests_and_answers_each_have_their_steps",
    "targets[].interceptors[].config.args": "link_interceptors_test.py:Requests.test_arguments_reach_the_guest",
    "targets[].interceptors[].config.timeout": "link_interceptors_test.py:Requests.test_a_guest_that_fails_refuses_the_request_unless_it_may",
    "targets[].interceptors[].config.failOpen": "link_interceptors_test.py:Requests.test_a_guest_that_fails_refuses_the_request_unless_it_may",
    "targets[].interceptors[].config.execution": "link_interceptors_test.py:Requests.test_instances_that_stand_ready_serve_requests_too",
    "targets[].interceptors[].config.poolSize": "link_interceptors_test.py:Requests.test_instances_that_stand_ready_serve_requests_too",
    "targets[].interceptors[].config.maxRequests": "link_interceptors_test.py:Requests.test_instances_that_stand_ready_serve_requests_too",
    "targets[].name": "link_test.py:Passing.test_unknown_targets_and_paths_are_not_found",
    "targets[].protocol": "Targets.test_https_is_verified_by_its_authority",
    "targets[].app": "wasmer_link_test.py:Targets.test_an_app_is_a_target_without_a_port_being_named",
    "targets[].host": "Targets.test_a_name_is_looked_up_and_sent",
    "targets[].port": "link_test.py:Passing.test_a_request_reaches_its_target_as_it_was_sent",
    "targets[].basePath": "link_test.py:Passing.test_a_target_alone_is_its_root",
    "targets[].tls.caFile": "Targets.test_https_is_verified_by_its_authority",
    "targets[].timeout": "link_test.py:Failures.test_a_target_that_is_silent_is_504",
    "targets[].maxConnections": "Targets.test_no_more_connections_than_allowed",
    "targets[].allowedPaths": "link_test.py:Rules.test_only_allowed_paths_pass_however_they_are_written",
    "targets[].auth.type": "link_test.py:Credentials.test_each_kind_is_sent_in_place_of_the_callers",
    "targets[].auth.header": "link_test.py:Credentials.test_each_kind_is_sent_in_place_of_the_callers",
    "targets[].auth.username": "link_test.py:Credentials.test_each_kind_is_sent_in_place_of_the_callers",
    "targets[].auth.secretRef.filePath": "link_test.py:Credentials.test_a_secret_file_is_read_again_and_its_end_closes_the_target",
    "targets[].auth.secretRef.envVar": "link_test.py:Credentials.test_each_kind_is_sent_in_place_of_the_callers",
    "targets[].auth.vaultRef.path": "link_auth_test.py:Vaults.test_a_secret_of_either_version_is_sent",
    "targets[].auth.vaultRef.field": "link_auth_test.py:Vaults.test_a_secret_of_either_version_is_sent",
    "targets[].auth.vaultRef.role": "link_auth_test.py:Vaults.test_a_role_logs_in_with_the_service_account",
    "targets[].auth.oauth2.tokenUrl": "link_auth_test.py:Tokens.test_a_token_is_asked_for_as_it_is_configured",
    "targets[].auth.oauth2.clientId": "link_auth_test.py:Tokens.test_a_token_is_asked_for_as_it_is_configured",
    "targets[].auth.oauth2.scopes": "link_auth_test.py:Tokens.test_a_token_is_asked_for_as_it_is_configured",
    "targets[].auth.oauth2.audience": "link_auth_test.py:Tokens.test_a_token_is_asked_for_as_it_is_configured",
    "targets[].auth.oauth2.authStyle": "link_auth_test.py:Tokens.test_a_token_is_asked_for_as_it_is_configured",
    "targets[].auth.oauth2.tls.caFile": "link_auth_test.py:Tokens.test_a_token_endpoint_with_tls_is_verified",
    "targets[].circuitBreaker.enabled": "link_test.py:Failures.test_a_breaker_opens_for_its_time_and_closes_after_good_calls",
    "targets[].circuitBreaker.failureThreshold": "link_test.py:Failures.test_a_breaker_opens_for_its_time_and_closes_after_good_calls",
    "targets[].circuitBreaker.successThreshold": "Targets.test_a_breaker_closes_after_as_many_good_calls",
    "targets[].circuitBreaker.resetTimeout": "link_test.py:Failures.test_a_breaker_opens_for_its_time_and_closes_after_good_calls",
    "targets[].retry.maxAttempts": "Targets.test_there_are_as_many_attempts",
    "targets[].retry.backoff": "link/target_config_test.cc:TargetConfig.RetryKeysSayHowLongEachPauseIs",
    "targets[].retry.initialInterval": "link/target_config_test.cc:TargetConfig.RetryKeysSayHowLongEachPauseIs",
    "targets[].retry.maxInterval": "link/target_config_test.cc:TargetConfig.RetryKeysSayHowLongEachPauseIs",
    "targets[].retry.jitter": "link/target_config_test.cc:TargetConfig.JitterMakesAPauseShorterOrLonger",
    "targets[].rateLimit.requestsPerSecond": "link_test.py:Rules.test_beyond_the_rate_limit_is_429_with_the_time_to_wait",
    "targets[].rateLimit.burst": "link/target_config_test.cc:MadeTarget.ABurstIsWhatComesInASecondIfItIsNotGiven",
    "targets[].kafka.cluster": "link_kafka_test.py:Records.test_a_record_is_where_the_answer_says",
    "targets[].kafka.topic": "link_kafka_test.py:Records.test_a_record_is_where_the_answer_says",
    "targets[].kafka.key.type": "link_kafka_test.py:Records.test_a_key_comes_from_where_the_target_says",
    "targets[].kafka.key.field": "link_kafka_test.py:Records.test_a_key_comes_from_where_the_target_says",
    "targets[].kafka.key.value": "link_kafka_test.py:Records.test_a_key_comes_from_where_the_target_says",
    "targets[].kafka.headers": "link_kafka_test.py:Records.test_headers_of_target_and_caller_are_on_the_record",
    "targets[].kafka.requiredAcks": "link_kafka_test.py:Failures.test_an_acknowledgement_is_of_the_leader_where_that_is_enough",
    "kafka.clusters.<name>.brokers": "link_kafka_test.py:Records.test_a_record_is_where_the_answer_says",
    "kafka.clusters.<name>.maxQueuedRecords": "link_kafka_test.py:Refusals.test_more_records_than_may_wait_are_503",
    "kafka.clusters.<name>.maxQueuedBytes": "link_kafka_test.py:Refusals.test_more_bytes_than_may_wait_are_503",
    "kafka.clusters.<name>.auth.mechanism": "link_kafka_auth_test.py:Passwords.test_a_good_password_publishes",
    "kafka.clusters.<name>.auth.username": "link_kafka_auth_test.py:Passwords.test_another_user_publishes_nothing",
    "kafka.clusters.<name>.auth.password": "link_kafka_auth_test.py:Passwords.test_a_bad_password_publishes_nothing",
    "kafka.clusters.<name>.auth.oauth.provider": "link_kafka_auth_test.py:Tokens.test_azure_is_asked_as_azure_wants_it",
    "kafka.clusters.<name>.auth.oauth.tokenUrl": "link_kafka_auth_test.py:Tokens.test_a_token_is_got_and_shown",
    "kafka.clusters.<name>.auth.oauth.tenantId": "kafka/cluster_config_test.cc:ClusterConfig.TheTenantIsPartOfAzuresTokenUrl",
    "kafka.clusters.<name>.auth.oauth.clientId": "link_kafka_auth_test.py:Tokens.test_a_token_is_got_and_shown",
    "kafka.clusters.<name>.auth.oauth.clientSecretEnv": "link_kafka_auth_test.py:Tokens.test_a_token_is_got_and_shown",
    "kafka.clusters.<name>.auth.oauth.clientSecretFile": "link_kafka_auth_test.py:Tokens.test_a_secret_of_the_client_is_read_from_its_file",
    "kafka.clusters.<name>.auth.oauth.scope": "link_kafka_auth_test.py:Tokens.test_a_token_is_got_and_shown",
    "kafka.clusters.<name>.auth.oauth.caFile": "link_kafka_auth_test.py:Tokens.test_a_token_endpoint_with_tls_is_verified",
    "kafka.clusters.<name>.auth.oauth.extensions": "link_kafka_auth_test.py:Tokens.test_a_token_is_got_and_shown",
    "kafka.clusters.<name>.tls.enabled": "link_kafka_auth_test.py:Tls.test_a_broker_that_is_trusted_gets_the_record",
    "kafka.clusters.<name>.tls.caFile": "link_kafka_auth_test.py:Tls.test_a_broker_that_is_trusted_gets_the_record",
    "kafka.clusters.<name>.tls.certFile": "link_kafka_auth_test.py:Tls.test_a_certificate_is_shown_to_who_wants_one",
    "kafka.clusters.<name>.tls.keyFile": "link_kafka_auth_test.py:Tls.test_a_certificate_is_shown_to_who_wants_one",
    "kafka.clusters.<name>.tls.skipVerify": "link_kafka_auth_test.py:Tls.test_not_to_verify_is_possible_and_told_loudly",
    "vault.address": "link_auth_test.py:Vaults.test_a_secret_of_either_version_is_sent",
    "vault.namespace": "link_auth_test.py:Vaults.test_a_secret_of_either_version_is_sent",
    "vault.secretRef.filePath": "link_auth_test.py:Vaults.test_what_the_vault_refuses_is_not_sent_any_more",
    "vault.secretRef.envVar": "link_auth_test.py:Vaults.test_a_secret_of_either_version_is_sent",
    "vault.kubernetes.mount": "link/vault_secret_test.cc:VaultRole.LogsInOnceForAllReadsUntilMostOfTheLoginsLifeIsOver",
    "vault.kubernetes.tokenFile": "link_auth_test.py:Vaults.test_a_role_logs_in_with_the_service_account",
    "vault.tls.caFile": "link_auth_test.py:Vaults.test_a_vault_with_tls_is_verified",
}

# The same parts as those of flows and of apps.yaml, whose tests (apps_keys_test.py, wasmer_link_test.py) show what these keys do.
AS_IN_FLOWS = ("wasmer.", "network.", "wasm.totalMemory", "wasm.maxStack", "wasm.compile.", "targets[].interceptors[].config.")


class Walk(unittest.TestCase):
    def test_the_list_has_every_key_that_can_be_used(self):
        lines = (SOURCE / "docs/link-reference.md").read_text().splitlines()
        keys = {match[1] for line in lines if (match := re.match(r"\| `([\w.\[\]<>]+)` \| (?!(?:(?:list|map) of )?map \|)(?=\S)", line)) and "*Refused:*" not in line}
        keys -= {"text", "duration", "size", "secret"}
        self.assertEqual({key for key in keys if key in SHOWN_BY or not key.startswith(AS_IN_FLOWS)}, set(SHOWN_BY))

    def test_every_test_of_the_list_exists(self):
        for test in set(SHOWN_BY.values()):
            file, _, name = test.rpartition(":")
            suite, name = name.split(".")
            path = SOURCE / "src" / file if file.endswith(".cc") else pathlib.Path(__file__).with_name(file or "link_keys_test.py")
            text = path.read_text()
            self.assertRegex(text, rf"TEST(_F)?\({suite}, {name}\)" if file.endswith(".cc") else rf"(?s)class {suite}\(.*def {name}\(self\)", test)


class Process(LinkCase):
    def test_both_addresses_are_listened_on(self):
        files = self.directory()
        files.write("link.yaml", 'listenAddr: "127.0.0.2:0"\nmetricsAddr: "127.0.0.3:0"\n')
        link = self.closing(Link(files))
        ports = link.wait_log("fiso-link started")[0]["port"], link.admin_port
        for address, port in zip(("127.0.0.2", "127.0.0.3"), ports):
            socket.create_connection((address, port), 60).close()
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", port), 60)

    def test_there_are_as_many_shards(self):
        for count in (1, 3):
            link = self.link(("api", 1, ""), more=f"shards: {count}\n")
            names = [comm.read_text() for comm in pathlib.Path(f"/proc/{link.process.pid}/task").glob("*/comm")]
            self.assertEqual(len([name for name in names if name.startswith("shard-")]), count)

    def test_a_stop_waits_no_longer(self):
        asked, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def answer(_):
            asked.set()
            go_on.wait(60)
            return 200, {}, b""
        link = self.link(("api", self.service(answer).port, ""), more="shutdownTimeout: 50ms\n")
        threading.Thread(target=lambda: get_quietly(link.port(), "/link/api/"), daemon=True).start()
        asked.wait(60)
        self.assertEqual(link.stop(), 1)
        self.assertTrue(link.log("shutdown cut what was still in flight"), link.log()[-5:])


def get_quietly(port, path):
    try:
        get(port, path)
    except (OSError, http.client.HTTPException):
        pass


class Limits(LinkCase):
    def limited(self, limit, answer=lambda asked: (200, {}, b"hello")):
        return self.link(("api", self.service(answer).port, QUICK), more=f"http: {{{limit}}}\n")

    def connect(self, link):
        return self.closing(socket.create_connection(("127.0.0.1", link.port()), 60))

    def status_of(self, connection):
        head = b""
        while b"\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return head
            head += piece
        return int(head.split()[1])

    def test_connections(self):
        link = self.limited("maxConnections: 2")
        for _ in range(2):
            connection = self.connect(link)
            connection.sendall(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(self.status_of(connection), 200)
        self.assertEqual(get(link.port(), "/link/api/").status, 503)
        self.assertEqual(link.metric("fiso_http_connections_refused_total", reason="too_many"), 1)

    def test_header_bytes(self):
        link = self.limited("maxHeaderBytes: 1KiB")
        self.assertEqual(request(link.port(), "GET", "/link/api/", headers={"X": "y" * 500}).status, 200)
        self.assertEqual(request(link.port(), "GET", "/link/api/", headers={"X": "y" * 2000}).status, 431)

    def test_headers(self):
        link = self.limited("maxHeaders: 5")
        self.assertEqual(request(link.port(), "GET", "/link/api/", headers={f"X-{i}": "1" for i in range(3)}).status, 200)
        self.assertEqual(request(link.port(), "GET", "/link/api/", headers={f"X-{i}": "1" for i in range(4)}).status, 431)

    def test_the_time_of_a_head(self):
        link = self.limited("headerTimeout: 50ms")
        connection = self.connect(link)
        connection.sendall(b"GET /link/api/ HTTP/1.1\r\n")
        self.assertEqual(self.status_of(connection), 408)

    def test_the_time_of_a_body(self):
        link = self.limited("bodyTimeout: 50ms")
        connection = self.connect(link)
        connection.sendall(b"POST /link/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        self.assertEqual(self.status_of(connection), 408)
        poll("it is counted", lambda: link.metric("fiso_http_requests_refused_total", reason="body_timeout") == 1)

    def test_the_time_between_requests(self):
        link = self.limited("idleTimeout: 50ms")
        connection = self.connect(link)
        connection.sendall(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):  # ends when the server closes
            answer += piece
        self.assertIn(b"hello", answer)

    def test_the_time_to_take_an_answer(self):
        link = self.limited("writeTimeout: 50ms", lambda asked: (200, {}, b"x" * (64 << 20)))
        connection = self.connect(link)
        connection.sendall(b"GET /link/api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        poll("it is cut", lambda: link.metric("fiso_http_connections_refused_total", reason="slow_reader") == 1)


class Targets(LinkCase):
    def test_a_name_is_looked_up_and_sent(self):
        service = self.service()
        link = self.link(("api", service.port, ""))
        link.close()
        text = (self.files.path / "link.yaml").read_text().replace("host: 127.0.0.1", "host: localhost")
        self.files.write("link.yaml", text)
        link = self.closing(Link(self.files)).wait_ready()
        self.assertEqual((get(link.port(), "/link/api/").status, service.headers()["host"]), (200, f"localhost:{service.port}"))

    def test_https_is_verified_by_its_authority(self):
        service, one, other = self.service(), self.certificate(), self.certificate()
        one.wrap(service)
        link = self.link(("one", service.port, f"    tls: {{caFile: {one.file}}}\n" + QUICK),
                         ("other", service.port, f"    tls: {{caFile: {other.file}}}\n" + QUICK), ("system", service.port, QUICK), protocol="https")
        self.assertEqual([get(link.port(), f"/link/{name}/").status for name in ("one", "other", "system")], [200, 502, 502])
        self.assertEqual(len(service.asked), 1)

    def test_no_more_connections_than_allowed(self):
        lock, now, most = threading.Lock(), [0], [0]

        def answer(_):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.01)  # others would come meanwhile
            with lock:
                now[0] -= 1
            return 200, {}, b""
        link = self.link(("api", self.service(answer).port, "    maxConnections: 2\n"), more="shards: 2\n")
        threads = [threading.Thread(target=lambda: [get(link.port(), "/link/api/") for _ in range(5)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertLessEqual(most[0], 2)
        self.assertEqual(self.requests_total(link, target="api", status="200"), 40)

    def test_a_breaker_closes_after_as_many_good_calls(self):
        well = threading.Event()
        service = self.service(lambda asked: (200 if well.is_set() else 500, {}, b""))
        link = self.link(("api", service.port, "    circuitBreaker: {enabled: true, failureThreshold: 1, successThreshold: 3, resetTimeout: 1ms}\n"))
        self.assertEqual(get(link.port(), "/link/api/").status, 500)
        well.set()
        states = []
        for _ in range(3):
            poll("a call is let through", lambda: get(link.port(), "/link/api/").status == 200)
            states.append(link.metric("fiso_link_circuit_state", target="api"))
        self.assertEqual(states, [1, 1, 0])

    def test_there_are_as_many_attempts(self):
        service = self.service(lambda asked: (503, {}, b""))
        link = self.link(*((f"m{most}", service.port, f"    retry: {{initialInterval: 1ms, jitter: 0, maxAttempts: {most}}}\n") for most in (1, 2, 5)))
        for most in (1, 2, 5):
            before = len(service.asked)
            self.assertEqual(get(link.port(), f"/link/m{most}/").status, 503)
            self.assertEqual(len(service.asked) - before, most)


class Told(LinkCase):
    """What is counted, and what ties a request to its caller."""
    TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def test_every_answer_is_counted_by_target_method_and_status_those_refused_early_too(self):
        service = self.service(lambda asked: (201, {}, b""))
        free = self.closing(ReservedPort())
        silent = self.closing(socket.create_server(("127.0.0.1", 0)))
        secrets = self.directory()
        secrets.write("s", "s")
        link = self.link(("ok", service.port, ""), ("bounded", service.port, "    allowedPaths: [/a]\n"),
                         ("limited", service.port, "    rateLimit: {requestsPerSecond: 0.001}\n"), ("gone", free.port, QUICK),
                         ("broken", free.port, "    retry: {maxAttempts: 1}\n    circuitBreaker: {enabled: true, failureThreshold: 1}\n"),
                         ("silent", silent.getsockname()[1], "    timeout: 100ms\n"),
                         ("locked", service.port, f"    auth: {{type: bearer, secretRef: {{filePath: {secrets.path}/s}}}}\n"))
        (secrets.path / "s").unlink()
        poll("the secret is gone", lambda: get(link.port(), "/link/locked/").status == 500)
        expected = [("ok", "PUT", "/x", 201), ("ok", "GET", "/../x", 400), ("bounded", "DELETE", "/b", 403), ("limited", "GET", "/", 201),
                    ("limited", "GET", "/", 429), ("gone", "HEAD", "/", 502), ("broken", "PATCH", "/", 502), ("broken", "PATCH", "/", 503),
                    ("silent", "OPTIONS", "/", 504), ("locked", "POST", "/", 500)]
        for target, method, path, status in expected:
            self.assertEqual(request(link.port(), method, f"/link/{target}{path}").status, status, (target, method))
        self.assertEqual(get(link.port(), "/link/none/").status, 404)
        self.assertEqual(request(link.port(), "GET", "/link/ok/", headers={"Origin": "https://a.example"}).status, 403)
        for target, method, _, status in expected:
            self.assertEqual(self.requests_total(link, target=target, method=method, status=str(status), mode="sync"), 1, (target, method, status))
        self.assertEqual(request(link.port(), "TRACE", "/link/ok/").status, 405)
        self.assertEqual([self.requests_total(link, target=target, status=status)
                          for target, status in (("unknown", "404"), ("ok", "403"), ("ok", "405"))], [1, 1, 1])
        self.assertEqual(link.metric("fiso_link_request_duration_seconds_count", target="limited", method="GET"), 2)
        self.assertGreater(link.metric("fiso_link_request_duration_seconds_sum", target="silent", method="OPTIONS"), 0.09)
        self.assertEqual([link.metric("fiso_link_retries_total", target="gone", attempt=attempt) for attempt in ("1", "2", "3")], [1, 1, 0])
        self.assertEqual(link.metric("fiso_link_rate_limited_total", target="limited"), 1)
        self.assertEqual([link.metric("fiso_link_circuit_state", target=target) for target in ("ok", "broken")], [0, 2])
        self.assertEqual(link.metric("fiso_link_auth_refresh_total", target="locked", status="success"), 1)
        self.assertGreaterEqual(link.metric("fiso_link_auth_refresh_total", target="locked", status="error"), 1)

    def test_a_trace_goes_on_and_is_the_correlation_id_of_who_gives_no_other(self):
        service = self.service()
        link = self.link(("api", service.port, ""))
        answer = request(link.port(), "GET", "/link/api/", headers={"TraceParent": self.TRACE, "tracestate": "a=b,c=d"})
        self.assertEqual(answer.headers["fiso-correlation-id"], self.TRACE[3:35])
        sent = service.headers()
        self.assertEqual((sent["traceparent"], sent["tracestate"], sent["fiso-correlation-id"]), (self.TRACE, "a=b,c=d", self.TRACE[3:35]))

    def test_the_callers_correlation_id_is_found_in_any_case_the_first_of_four(self):
        service = self.service()
        link = self.link(("api", service.port, ""))
        ids = {"fIsO-cOrReLaTiOn-Id": "one", "X-CORRELATION-ID": "two", "x-request-ID": "three", "TRACEPARENT": self.TRACE}
        for expected in ("one", "two", "three", self.TRACE[3:35]):
            answer = request(link.port(), "GET", "/link/api/", headers=ids)
            self.assertEqual((answer.headers["fiso-correlation-id"], service.headers()["fiso-correlation-id"]), (expected, expected))
            ids.pop(next(iter(ids)))
        self.assertEqual(get(link.port(), "/link/api/").headers["fiso-correlation-id"].count("-"), 4)


if __name__ == "__main__":
    main()
