#!/usr/bin/env python3
"""gRPC passes through fiso-link: a real client and a real server, of the Debian package python3-grpcio."""
import concurrent.futures
import os
import subprocess
import sys
import threading

try:
    import grpc
except ImportError:  # the package is the system's Python's
    SYSTEM = "/usr/bin/python3"
    if "FISO_GRPC_TEST" in os.environ or not os.path.exists(SYSTEM):
        print("skipped: there is no python3-grpcio")
        sys.exit(77)
    os.environ["FISO_GRPC_TEST"] = "again"
    os.execv(SYSTEM, [SYSTEM, "-B", *sys.argv])

from harness import ANY_PORT, PATIENCE, TestCase, main, poll
from link_harness import Link

MIB = 1 << 20
NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Echo(grpc.GenericRpcHandler):
    """Any message is bytes. /test.Echo/METHOD."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.slow_began = threading.Event()
        self.metadata = []
        self.peers = set()

    def service(self, details):
        self.peers.add(details.method)
        handlers = {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/test.Echo/Server": grpc.unary_stream_rpc_method_handler(self.server_stream),
            "/test.Echo/Client": grpc.stream_unary_rpc_method_handler(self.client_stream),
            "/test.Echo/Bidi": grpc.stream_stream_rpc_method_handler(self.bidi),
            "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "/test.Echo/FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "/test.Echo/Slow": grpc.unary_unary_rpc_method_handler(self.slow),
        }
        return handlers.get(details.method)

    def unary(self, message, context):
        self.metadata = context.invocation_metadata()
        context.set_trailing_metadata((("x-trailing", "behind"), ("x-bytes-bin", b"\0\1\xff")))
        return message

    def server_stream(self, message, context):
        for number in range(int(message)):
            yield str(number).encode()

    def client_stream(self, messages, context):
        return b"".join(messages)

    def bidi(self, messages, context):
        for message in messages:
            yield b"re: " + message

    def fail(self, message, context):
        context.set_trailing_metadata((("x-why", "because"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not like this: 100 %")

    def fail_late(self, message, context):
        yield b"first"
        context.abort(grpc.StatusCode.DATA_LOSS, "half way")

    def slow(self, message, context):
        if not context.add_callback(self.cancelled.set):  # given up already
            self.cancelled.set()
        self.slow_began.set()  # before, a call that is given up reaches nobody
        self.cancelled.wait(PATIENCE)
        return message


class Server:
    def __init__(self, credentials=None):
        self.echo = Echo()
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), handlers=[self.echo], options=NO_LIMIT)
        if credentials:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self):
        self.echo.cancelled.set()
        self._server.stop(None).wait()


class GrpcCase(TestCase):
    def link(self, port, more=""):
        files = self.directory()
        files.write("link.yaml", f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\ntargets:\n  - name: echo\n    protocol: grpc\n"
                                 f"    host: 127.0.0.1\n    port: {port}\n{more}")
        return self.closing(Link(files)).wait_ready()

    def channel(self, link, authority="echo"):
        options = [*NO_LIMIT, ("grpc.default_authority", authority)]
        return self.closing(grpc.insecure_channel(f"127.0.0.1:{link.port()}", options=options))

    def setUp(self):
        self.server = self.closing(Server())

    def through_link(self, more=""):
        self.running = self.link(self.server.port, more)
        return self.channel(self.running)

    def assert_fails(self, code, call, *arguments, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, timeout=PATIENCE, **more)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception


class Calls(GrpcCase):
    def test_unary(self):
        call = self.through_link().unary_unary("/test.Echo/Unary")
        answer, done = call.with_call(b"hello", timeout=PATIENCE, metadata=(("x-mine", "yes"), ("x-raw-bin", b"\0\xfe")))
        self.assertEqual(answer, b"hello")
        self.assertIn(("x-trailing", "behind"), done.trailing_metadata())
        self.assertIn(("x-bytes-bin", b"\0\1\xff"), done.trailing_metadata())
        self.assertTrue(any(key == "fiso-correlation-id" for key, _ in done.initial_metadata()))
        asked = dict(self.server.echo.metadata)
        self.assertEqual((asked["x-mine"], asked["x-raw-bin"]), ("yes", b"\0\xfe"))

    def test_an_empty_message(self):
        self.assertEqual(self.through_link().unary_unary("/test.Echo/Unary")(b"", timeout=PATIENCE), b"")

    def test_a_stream_from_the_server(self):
        answers = self.through_link().unary_stream("/test.Echo/Server")(b"5000", timeout=PATIENCE)
        self.assertEqual([int(answer) for answer in answers], list(range(5000)))

    def test_a_stream_from_the_client(self):
        call = self.through_link().stream_unary("/test.Echo/Client")
        self.assertEqual(call((str(number % 10).encode() for number in range(5000)), timeout=PATIENCE), b"0123456789" * 500)

    def test_both_talk_in_turn(self):
        said = []
        heard = threading.Semaphore(0)

        def talk():
            for word in (b"one", b"two", b"three"):
                yield word
                heard.acquire(timeout=PATIENCE)  # nothing more is said before the answer is here

        for answer in self.through_link().stream_stream("/test.Echo/Bidi")(talk(), timeout=PATIENCE):
            said.append(answer)
            heard.release()
        self.assertEqual(said, [b"re: one", b"re: two", b"re: three"])

    def test_metadata_that_would_let_a_request_be_repeated_does_not_hold_a_call_back(self):
        heard = threading.Event()

        def talk():
            yield b"one"
            self.assertTrue(heard.wait(PATIENCE))  # nothing more is said before the answer is here
        metadata = (("idempotency-key", "k"),)
        answers = self.through_link().stream_stream("/test.Echo/Bidi")(talk(), timeout=PATIENCE, metadata=metadata)
        self.assertEqual(next(answers), b"re: one")
        heard.set()
        self.assertEqual(list(answers), [])

    def test_large_messages(self):
        message = os.urandom(MIB) * 16
        self.assertEqual(self.through_link().unary_unary("/test.Echo/Unary")(message, timeout=PATIENCE), message)

    def test_many_calls_at_a_time(self):
        call = self.through_link().unary_unary("/test.Echo/Unary")
        calls = [call.future(str(number).encode(), timeout=PATIENCE) for number in range(500)]
        self.assertEqual([int(one.result()) for one in calls], list(range(500)))


class Failures(GrpcCase):
    def test_a_status_comes_back_with_its_message_and_metadata(self):
        error = self.assert_fails(grpc.StatusCode.FAILED_PRECONDITION, self.through_link().unary_unary("/test.Echo/Fail"), b"")
        self.assertEqual(error.details(), "not like this: 100 %")
        self.assertIn(("x-why", "because"), error.trailing_metadata())

    def test_a_stream_that_fails_half_way_gives_what_there_was(self):
        answers = self.through_link().unary_stream("/test.Echo/FailLate")(b"", timeout=PATIENCE)
        self.assertEqual(next(answers), b"first")
        with self.assertRaises(grpc.RpcError) as caught:
            next(answers)
        self.assertEqual((caught.exception.code(), caught.exception.details()), (grpc.StatusCode.DATA_LOSS, "half way"))

    def test_a_deadline_reaches_the_server(self):
        call = self.through_link().unary_unary("/test.Echo/Slow")
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"", timeout=0.3)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(self.server.echo.cancelled.wait(PATIENCE))

    def test_a_call_that_is_given_up_is_given_up_at_the_server(self):
        call = self.through_link().unary_unary("/test.Echo/Slow").future(b"", timeout=PATIENCE)
        self.assertTrue(self.server.echo.slow_began.wait(PATIENCE))
        call.cancel()
        self.assertTrue(self.server.echo.cancelled.wait(PATIENCE))

    def test_an_unknown_method_is_the_servers_to_refuse(self):
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, self.through_link().unary_unary("/test.Echo/None"), b"")

    def test_the_targets_timeout_is_a_deadline(self):
        channel = self.through_link("    timeout: 200ms\n")
        error = self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, channel.unary_unary("/test.Echo/Slow"), b"")
        self.assertEqual(error.details(), "gateway timeout")

    def test_a_target_that_is_away_is_unavailable(self):
        channel = self.through_link("    retry: {maxAttempts: 1}\n")
        call = channel.unary_unary("/test.Echo/Unary")
        self.assertEqual(call(b"x", timeout=PATIENCE), b"x")
        self.server.close()
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, call, b"x")

    def test_a_path_that_is_not_allowed_is_denied(self):
        channel = self.through_link("    allowedPaths: [\"/test.Echo/Unary\"]\n")
        self.assertEqual(channel.unary_unary("/test.Echo/Unary")(b"x", timeout=PATIENCE), b"x")
        self.assert_fails(grpc.StatusCode.PERMISSION_DENIED, channel.unary_unary("/test.Echo/Fail"), b"")

    def test_a_rate_limit_is_told(self):
        call = self.through_link("    rateLimit: {requestsPerSecond: 0.001, burst: 1}\n").unary_unary("/test.Echo/Unary")
        self.assertEqual(call(b"x", timeout=PATIENCE), b"x")
        self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, call, b"x")


class Naming(GrpcCase):
    def test_a_target_is_named_by_authority_metadata_or_path(self):
        link = self.link(self.server.port)
        named = self.channel(link, "elsewhere").unary_unary("/test.Echo/Unary")
        self.assertEqual(named(b"x", timeout=PATIENCE, metadata=(("fiso-target", "echo"),)), b"x")
        self.assertNotIn("fiso-target", dict(self.server.echo.metadata))
        prefixed = self.channel(link, "elsewhere").unary_unary("/link/echo/test.Echo/Unary")
        self.assertEqual(prefixed(b"x", timeout=PATIENCE), b"x")
        error = self.assert_fails(grpc.StatusCode.NOT_FOUND, self.channel(link, "nowhere").unary_unary("/test.Echo/Unary"), b"")
        self.assertEqual(error.details(), 'target "nowhere" not found')


class Secure(GrpcCase):
    def test_a_target_with_tls(self):
        files = self.directory()
        key, certificate = files.path / "key.pem", files.path / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
                       check=True, capture_output=True)
        server = self.closing(Server(grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])))
        link = self.link(server.port, f"    tls: {{caFile: {certificate}}}\n")
        self.assertEqual(self.channel(link).unary_unary("/test.Echo/Unary")(b"sealed", timeout=PATIENCE), b"sealed")


if __name__ == "__main__":
    main()
