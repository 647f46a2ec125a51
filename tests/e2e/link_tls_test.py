#!/usr/bin/env python3
"""fiso-link and targets that speak TLS: real nginx and openssl servers, some of which want to see a certificate."""
import contextlib
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading

from harness import ANY_PORT, PATIENCE, Directory, ReservedPort, get, main, poll, run
from link_harness import FISO_LINK, FISO_WASMER_LINK, QUICK, Link, LinkCase

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b;
  proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate}.pem;
    ssl_certificate_key {certificate}.key;
    {more}
    location / {{ return 200 "sni=$ssl_server_name client=$ssl_client_s_dn host=$http_host auth=$http_authorization"; }}
  }}
}}
"""


class Authority:
    """A certificate authority in a folder. Certificates are NAME.pem, their keys NAME.key."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-ca-")
        self.path = pathlib.Path(self._folder.name)
        self._run("req", "-x509", *self._key("ca"), "-subj", "/CN=ca", "-days", "1", "-out", self.path / "ca.pem")
        (self.path / "index").touch()
        (self.path / "ca.conf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.path}/index\nnew_certs_dir={self.path}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
            "unique_subject=no\n[p]\ncommonName=supplied\n")

    @property
    def ca(self):
        return self.path / "ca.pem"

    def _run(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE)

    def _key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path / f"{name}.key")

    def issue(self, name, subject, names="", end="491231235959Z"):
        """Whole files, one after the other: first the certificate, then the key."""
        request = self.path / "request.pem"
        self._run("req", *self._key("new"), "-subj", f"/CN={subject}", "-out", request)
        (self.path / "extensions").write_text(f"subjectAltName={names}\n" if names else "keyUsage=digitalSignature\n")
        self._run("ca", "-batch", "-notext", "-config", self.path / "ca.conf", "-cert", self.ca, "-keyfile", self.path / "ca.key", "-in", request,
                  "-startdate", "200101000000Z", "-enddate", end, "-extfile", self.path / "extensions", "-out", self.path / "new.pem")
        (self.path / "new.pem").rename(self.path / f"{name}.pem")
        (self.path / "new.key").rename(self.path / f"{name}.key")
        return self.path / name

    def close(self):
        self._folder.cleanup()


class Process:
    """A server on a port of its own; there once it takes connections."""

    def __init__(self, command):
        self._reserved = ReservedPort()
        self.port = self._reserved.port
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-tls-")
        self._process = subprocess.Popen([str(word) for word in command(self.port, pathlib.Path(self._folder.name))], stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        poll("the server listens", self._listens)

    def _listens(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return True
        return False

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._reserved.close()
        self._folder.cleanup()


def nginx(certificate, more=""):
    def command(port, folder):
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, certificate=certificate, more=more))
        return "nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"
    return command


class TlsCase(LinkCase):
    def setUp(self):
        self.authority = self.closing(Authority())
        self.ca = self.authority.ca

    def server(self, more="", **certificate):
        """nginx with a certificate of our authority."""
        return self.closing(Process(nginx(self.authority.issue("server", **{"subject": "server", "names": "DNS:localhost,IP:127.0.0.1", **certificate}), more)))

    def link_to(self, port, tls, host="localhost", more="", **env):
        self.files = self.directory()
        self.files.write("link.yaml", f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\ntargets:\n  - name: api\n    host: {host}\n"
                                      f"    port: {port}\n    tls: {tls}\n{QUICK}{more}")
        return self.closing(Link(self.files, **env)).wait_ready()

    def refused(self, link, why):
        answer = get(link.port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (502, "bad gateway\n"))
        self.assertIn(why, link.wait_log("proxy request failed")[0]["error"])


class Verifying(TlsCase):
    def test_a_target_of_a_known_authority_is_asked_by_its_own_name(self):
        server = self.server()
        answer = get(self.link_to(server.port, f"{{caFile: {self.ca}}}").port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (200, f"sni=localhost client= host=localhost:{server.port} auth="))
        # An address is verified as one, and is no name to ask for.
        answer = get(self.link_to(server.port, f"{{caFile: {self.ca}}}", host="127.0.0.1").port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (200, f"sni= client= host=127.0.0.1:{server.port} auth="))

    def test_another_authority_is_refused(self):
        server = self.server()
        other = self.closing(Authority())
        self.refused(self.link_to(server.port, f"{{caFile: {other.ca}}}"), "certificate")
        self.refused(self.link_to(server.port, "{}"), "certificate")  # nor is it one of the system's

    def test_another_name_is_refused_unless_it_is_the_one_to_expect(self):
        server = self.server(names="DNS:inner.test")
        self.refused(self.link_to(server.port, f"{{caFile: {self.ca}}}"), "hostname mismatch")
        answer = get(self.link_to(server.port, f"{{caFile: {self.ca}, serverName: inner.test}}").port(), "/link/api/")
        self.assertEqual((answer.status, answer.text), (200, f"sni=inner.test client= host=localhost:{server.port} auth="))

    def test_an_expired_certificate_is_refused(self):
        server = self.server(end="200102000000Z")
        self.refused(self.link_to(server.port, f"{{caFile: {self.ca}}}"), "certificate has expired")

    def test_not_to_verify_is_possible_and_told_loudly(self):
        server = self.server(names="DNS:other.test", end="200102000000Z")
        link = self.link_to(server.port, "{skipVerify: true}")
        self.assertEqual(get(link.port(), "/link/api/").status, 200)
        warning = next(line for line in link.log() if "NOT VERIFIED" in line["msg"])
        self.assertEqual((warning["level"].lower(), warning["target"]), ("warn", "api"))

    def test_credentials_do_not_go_to_a_server_that_is_not_the_target(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.closing(listener)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = self.authority.issue("server", "server", "DNS:other.test")
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        auth = "    auth: {type: bearer, secretRef: {envVar: S}}\n    retry: {maxAttempts: 1}\n"
        text = f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\ntargets:\n  - name: api\n    host: 127.0.0.1\n" \
               f"    port: {listener.getsockname()[1]}\n    tls: {{caFile: {self.ca}}}\n{auth}"
        self.files = self.directory()
        self.files.write("link.yaml", text)
        link = self.closing(Link(self.files, S="s3cret")).wait_ready()
        listener.settimeout(PATIENCE)
        heard = []

        def listen():
            with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as peer:
                heard.append(peer.recv(1000))
        thread = threading.Thread(target=listen)
        thread.start()
        self.assertEqual(get(link.port(), "/link/api/").status, 502)
        thread.join(PATIENCE)
        self.assertNotIn(b"s3cret", b"".join(heard))


class Listening(TlsCase):
    """Callers who ask by https."""

    def issue(self, name="listener", subject="first"):
        return self.authority.issue(name, subject, "DNS:localhost,IP:127.0.0.1")

    def text(self, certificate, more=""):
        tls = f"listenTls: {{certFile: {certificate}.pem, keyFile: {certificate}.key}}\n" if certificate else ""
        return self.link_yaml(("api", self.target.port, ""), more=tls + more)

    def listening(self, certificate, program=FISO_LINK):
        self.target = self.service()
        self.files = self.directory()
        self.files.write("link.yaml", self.text(certificate))
        return self.closing(Link(self.files, program=program)).wait_ready()

    def curl(self, link, *flags):
        done = subprocess.run(["curl", "-sS", "--cacert", self.ca, "-w", "\n%{http_version} %{http_code}", *flags,
                               f"https://localhost:{link.port()}/link/api/"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout.split("\n")[-1] if done.returncode == 0 else f"curl: {done.returncode}"

    def subject_shown(self, link):
        context = ssl.create_default_context(cafile=self.ca)
        with socket.create_connection(("127.0.0.1", link.port()), 60) as raw, context.wrap_socket(raw, server_hostname="localhost") as shown:
            return dict(pair for part in shown.getpeercert()["subject"] for pair in part)["commonName"]

    def test_they_speak_what_they_prefer(self):
        for program in (FISO_LINK, FISO_WASMER_LINK) if pathlib.Path(FISO_WASMER_LINK).exists() else (FISO_LINK,):
            link = self.listening(self.issue(), program)
            self.assertEqual([self.curl(link, flag) for flag in ("--http2", "--http1.1", "--no-alpn")], ["2 200", "1.1 200", "1.1 200"])
            with self.assertRaises(OSError):
                get(link.port(), "/link/api/")  # in the clear
            self.assertEqual(get(link.admin_port, "/readyz").status, 200)
            self.assert_stops(link)

    def test_a_changed_certificate_is_shown_to_new_connections(self):
        certificate = self.issue()
        link = self.listening(certificate)
        self.assertEqual(self.subject_shown(link), "first")
        self.issue(subject="second")
        poll("it is shown", lambda: self.subject_shown(link) == "second")
        pathlib.Path(f"{certificate}.pem").write_text("no certificate")
        self.assertTrue(link.wait_log("certificates cannot be used, the ones before stay in use"))
        self.assertEqual(self.subject_shown(link), "second")

    def test_a_reload_may_name_other_files_and_may_not_switch_it_off(self):
        link = self.listening(self.issue())
        self.files.write("link.yaml", self.text(self.issue("other", "other")))
        poll("it is shown", lambda: self.subject_shown(link) == "other")
        for text in (self.text(None), self.text("/not/there")):
            attempts = link.reload_state()["attempts"]
            self.files.write("link.yaml", text)
            poll("the verdict", lambda before=attempts: link.reload_state()["attempts"] > before)
            self.assertEqual(link.reload_state()["status"], "failed")
        self.assertEqual(self.curl(link, "--http2"), "2 200")
        plain = self.listening(None)
        self.files.write("link.yaml", self.text(self.issue()))
        poll("the verdict", lambda: plain.reload_state()["status"] == "failed")
        self.assertIn("listenTls of 127.0.0.1:0 cannot be switched on or off while it is served: restart", plain.reload_state()["error"])
        self.assertEqual(get(plain.port(), "/link/api/").status, 200)

    def test_what_cannot_be_used_is_told_by_the_check(self):
        files = self.directory()
        files.write("link.yaml", "listenTls: {certFile: /not/there, keyFile: /not/there}\ntargets: []\n")
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"link.yaml:1:23: listenTls.certFile", done.stderr)
        files.write("link.yaml", "listenTls: {certFile: /not/there}\ntargets: []\n")
        self.assertIn(b"listenTls.keyFile is required", run(FISO_LINK, "-config", files.path / "link.yaml", "-check").stderr)


class Showing(TlsCase):
    def strict(self):
        return self.server(f"ssl_client_certificate {self.ca}; ssl_verify_client on;")

    def test_a_certificate_is_shown_to_who_wants_one(self):
        server = self.strict()
        client = self.authority.issue("client", "caller")
        link = self.link_to(server.port, f"{{caFile: {self.ca}, certFile: {client}.pem, keyFile: {client}.key}}")
        self.assertEqual(get(link.port(), "/link/api/").text, f"sni=localhost client=CN=caller host=localhost:{server.port} auth=")

    def test_without_one_the_target_refuses_in_its_own_words(self):
        link = self.link_to(self.strict().port, f"{{caFile: {self.ca}}}")
        answer = get(link.port(), "/link/api/")
        self.assertEqual(answer.status, 400)
        self.assertIn("No required SSL certificate was sent", answer.text)

    def test_a_target_that_ends_the_handshake_for_it_is_502(self):
        certificate = self.authority.issue("server", "server", "DNS:localhost")
        server = self.closing(Process(lambda port, folder: (
            "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{certificate}.pem", "-key", f"{certificate}.key", "-CAfile", self.ca,
            "-Verify", "1", "-verify_return_error", "-www")))
        self.refused(self.link_to(server.port, f"{{caFile: {self.ca}}}"), "certificate required")
        client = self.authority.issue("client", "caller")
        link = self.link_to(server.port, f"{{caFile: {self.ca}, certFile: {client}.pem, keyFile: {client}.key}}")
        self.assertEqual(get(link.port(), "/link/api/").status, 200)

    def test_one_that_changes_is_read_again_and_one_that_is_spoilt_is_not(self):
        server = self.strict()
        client = self.authority.issue("client", "first")
        link = self.link_to(server.port, f"{{caFile: {self.ca}, certFile: {client}.pem, keyFile: {client}.key}}")

        def shown():
            return get(link.port(), "/link/api/").text.split()[1]
        self.assertEqual(shown(), "client=CN=first")
        self.authority.issue("client", "second")
        poll("the next one is shown, on kept connections too", lambda: shown() == "client=CN=second")
        (self.authority.path / "client.key").write_text("spoilt")
        link.wait_log("certificates cannot be used, the ones before stay in use")
        self.assertEqual(shown(), "client=CN=second")
        self.authority.issue("client", "third")
        poll("the third is shown", lambda: shown() == "client=CN=third")


class Checking(TlsCase):
    def check(self, tls, protocol="https"):
        files: Directory = self.directory()
        files.write("link.yaml", f"targets:\n  - name: a\n    protocol: {protocol}\n    host: a.test\n    tls:\n" +
                    "".join(f"      {key}: {value}\n" for key, value in tls.items()))
        done = run(FISO_LINK, "-config", files.path / "link.yaml", "-check")
        return done.returncode, done.stderr.decode()

    def test_what_cannot_be_used_is_told_at_its_key(self):
        client, other = self.authority.issue("client", "c"), self.authority.issue("other", "o")
        pair = {"certFile": f"{client}.pem", "keyFile": f"{client}.key"}
        self.assertEqual(self.check({"caFile": self.ca, **pair, "serverName": "b.test"}), (0, ""))
        self.assertEqual(self.check({"skipVerify": "true", **pair}), (0, ""))
        for tls, place, why in (
                ({"caFile": "/not/there"}, "6:15: targets[0].tls.caFile: ", "/not/there: No such file or directory"),
                ({"caFile": f"{client}.key"}, "6:15: targets[0].tls.caFile: ", "cannot use the certificate authorities"),
                ({"certFile": f"{client}.pem"}, "6:17: targets[0].tls.certFile: ", "must be specified together for mTLS"),
                ({"keyFile": f"{client}.key"}, "6:16: targets[0].tls.keyFile: ", "must be specified together for mTLS"),
                ({**pair, "keyFile": f"{other}.key"}, "6:17: targets[0].tls.certFile: ", "cannot use the private key"),
                ({**pair, "certFile": "/not/there"}, "6:17: targets[0].tls.certFile: ", "/not/there: No such file or directory"),
                ({"skipVerify": "true", "caFile": self.ca}, "7:15: targets[0].tls.caFile: ", "has no effect with `skipVerify: true`"),
                ({"serverName": "https://b"}, "6:19: targets[0].tls.serverName: ", "is not a host name"),
                ({"caFiles": self.ca}, "6:7: targets[0].tls.caFiles", "unknown key")):
            code, text = self.check(tls)
            self.assertEqual(code, 1, tls)
            self.assertIn(place, text)
            self.assertIn(why, text)
        self.assertIn("has an effect with `protocol: https` and `grpc` only", self.check({"caFile": self.ca}, "http")[1])


if __name__ == "__main__":
    main()
