#!/usr/bin/env python3
"""`fiso doctor`: a line for each thing, with the cure of what is wrong; its exit code says whether servers can run."""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

from harness import ANY_PORT, FISO, FISO_WASMER_HOST, PATIENCE, ReservedPort, TestCase, environment, flow_yaml, guest, main, missing_guests

GO_ROOT = os.environ.get("FISO_GO_ROOT")
HAS_WASMER = os.path.exists(FISO_WASMER_HOST)
NOWHERE = "/nonexistent"


class Doctor(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-doctor-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def ask(self, *arguments, limits=(), **env):
        """Its exit code, and the line of each subject (the last, where there are several)."""
        def limit():
            for which, value in limits:
                resource.setrlimit(which, (value, value))
        ended = subprocess.run([FISO, "doctor", *map(str, arguments)], env=environment(**env), capture_output=True, timeout=PATIENCE * 2,
                               check=False, preexec_fn=limit if limits else None)
        self.text = ended.stdout.decode()  # on stderr is what is compiled
        lines = re.findall(r"^(ok   |warn |FAIL ) ([^:]+): (.*)$", self.text, re.M)
        return ended.returncode, {subject: (word.strip(), said) for word, subject, said in lines}

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def flows(self, **arguments):
        return self.directory(orders=flow_yaml(module=guest("enrich"), **arguments)).path


class Machine(Doctor):
    def test_each_thing_has_a_line_and_the_last_one_counts_them(self):
        code, found = self.ask("--config-dir", self.flows())
        self.assertEqual(code, 0, self.text)
        self.assertEqual(list(found), ["kernel", "Landlock", "seccomp", "memory", "descriptors", "module cache", "guests", "fiso-wasmer-host",
                                       "C", "Go", "Rust", "Python", "configuration", "port"])
        self.assertRegex(found["kernel"][1], r"^Linux \d+\.\d+")
        self.assertEqual(found["guests"], ("ok", "a module was compiled and has run"))
        oks, warnings = self.text.count("\nok "), len(re.findall("^warn ", self.text, re.M))
        self.assertTrue(self.text.endswith(f"{oks + self.text.startswith('ok ')} ok, {warnings} warnings, 0 failures\n"), self.text)

    def test_whatever_is_not_well_has_a_cure(self):
        self.ask("--config-dir", NOWHERE, PATH=NOWHERE, FISO_CACHE_DIR="/dev/null/cache")
        for line in re.findall("^(?:warn|FAIL) .*", self.text, re.M):
            self.assertIn("; ", line)

    def test_limits_that_are_too_low_are_told(self):
        code, found = self.ask("--config-dir", self.flows(), limits=[(resource.RLIMIT_NOFILE, 1000)])
        self.assertEqual((code, found["descriptors"][0]), (0, "warn"), self.text)
        self.assertIn("1000 at most; each connection is one: raise the hard limit", found["descriptors"][1])
        code, found = self.ask("--config", self.write("apps.yaml", f"apps: [{{name: a, module: {guest('hello_app')}}}]\n"),
                               limits=[(resource.RLIMIT_AS, 64 << 30)])
        self.assertEqual((code, found["guests"][0]), (1, "FAIL"), self.text)
        self.assertIn("ulimit -v unlimited", found["guests"][1])

    def test_a_cache_that_cannot_be_used_fails(self):
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o777)
        for directory, why in (("/dev/null/cache", "Not a directory"), (self.folder / "open", "writable by nobody else")):
            code, found = self.ask("--config-dir", self.flows(), FISO_CACHE_DIR=directory)
            self.assertEqual((code, found["module cache"][0]), (1, "FAIL"), self.text)
            self.assertIn(why, found["module cache"][1])
            self.assertIn("name a directory of this user's own by FISO_CACHE_DIR", found["module cache"][1])
        code, found = self.ask("--config-dir", self.flows(), FISO_CACHE_DIR=None, HOME=None, XDG_CACHE_HOME=None)
        self.assertEqual((code, found["module cache"][0]), (0, "warn"), self.text)
        code, found = self.ask("--config-dir", self.flows(), FISO_CACHE_DIR=self.folder / "new")
        self.assertEqual((code, found["module cache"]), (0, ("ok", str(self.folder / "new"))), self.text)

    @unittest.skipUnless(HAS_WASMER, "built without Wasmer")
    def test_a_worker_that_does_not_answer_fails_where_it_is_named(self):
        self.assertEqual(self.ask("--config-dir", self.flows())[1]["fiso-wasmer-host"][0], "ok", self.text)
        for arguments, env in ((["--wasmer-host", "/bin/false"], {}), ([], {"FISO_WASMER_HOST": NOWHERE})):
            code, found = self.ask(*arguments, "--config-dir", self.flows(), **env)
            self.assertEqual((code, found["fiso-wasmer-host"][0]), (1, "FAIL"), self.text)


class Toolchains(Doctor):
    def test_those_that_are_missing_are_warnings(self):
        code, found = self.ask("--config-dir", self.flows(), PATH=NOWHERE)
        self.assertEqual(code, 0, self.text)
        for language, found_ in (("C", "clang-19 is not in PATH"), ("Go", "go is not in PATH"), ("Rust", "rustc is not in PATH"),
                                 ("Python", "FISO_PYTHON names no CPython for WASI")):
            self.assertEqual(found[language][0], "warn")
            self.assertTrue(found[language][1].startswith(found_ + "; "), found)

    def test_those_that_are_too_old_or_incomplete_are_warnings(self):
        for name, text in (("clang-19", "echo 'clang: error: no libc' >&2; exit 1"), ("go", "echo go version go1.20.1 linux/amd64"),
                           ("rustc", f"echo {NOWHERE}")):
            self.write(name, f"#!/bin/sh\n{text}\n").chmod(0o755)
        code, found = self.ask("--config-dir", self.flows(), PATH=self.folder, FISO_PYTHON=NOWHERE)
        self.assertEqual(code, 0, self.text)
        for language, said in (("C", "clang-19 does not build for wasm32-wasi: clang: error: no libc; "),
                               ("Go", "go 1.20 cannot build for wasip1; guests in Go need Go 1.21"),
                               ("Rust", "rustc has no standard library for wasm32-wasip1; guests in Rust need it: rustup target add"),
                               ("Python", f"FISO_PYTHON: {NOWHERE} cannot be read; ")):
            self.assertEqual(found[language][0], "warn")
            self.assertTrue(found[language][1].startswith(said), (said, found[language]))

    @unittest.skipUnless(shutil.which("clang-19"), "no clang-19 here")
    def test_those_that_are_there_are_well(self):
        path = f"{GO_ROOT}/bin:{os.environ['PATH']}" if GO_ROOT else os.environ["PATH"]
        python = None if missing_guests("python") else guest("python")
        found = self.ask("--config-dir", self.flows(), PATH=path, FISO_PYTHON=python)[1]
        self.assertEqual(found["C"], ("ok", "clang-19 builds for wasm32-wasi"))
        if GO_ROOT:
            self.assertEqual(found["Go"][0], "ok")
        if python:
            self.assertEqual(found["Python"], ("ok", python))


class Configuration(Doctor):
    def test_without_one_the_default_ports_are_looked_at(self):
        port = self.closing(ReservedPort())
        found = self.ask(FISO_METRICS_ADDR=port.address)[1]
        self.assertEqual(found["configuration"], ("ok", "none was named (--config-dir, --config)"))
        self.assertIn(f"ok    port: {port.address} (the admin port, by default)\n", self.text)
        self.assertRegex(self.text, r"port: .*127\.0\.0\.1:3500.* \(fiso-link, by default\)")

    def test_a_port_that_is_in_use_fails(self):
        port = self.closing(ReservedPort())
        flows = self.flows(address=port.address)
        code, found = self.ask("--config-dir", flows)
        self.assertEqual((code, found["configuration"]), (0, ("ok", str(flows))), self.text)
        self.assertIn(f"ok    port: {port.address} (flow orders)\n", self.text)
        port.listen()
        code, found = self.ask(FISO_CONFIG_DIR=flows)
        self.assertEqual(code, 1)
        self.assertIn(f"FAIL  port: listen {port.address}: address already in use (flow orders); stop what has it (ss -ltnp shows it), or take "
                      "another port\n", self.text)
        code, found = self.ask("--config-dir", self.flows(address="192.0.2.1:8081"))
        self.assertEqual(code, 1)
        self.assertIn("cannot assign requested address (flow orders); take an address of this machine", self.text)

    def test_all_that_is_wrong_with_a_configuration_is_told_with_its_places(self):
        flows = self.directory(a=flow_yaml(more="unknown: 1\n"), b="name: [").path
        code, found = self.ask("--config-dir", flows)
        self.assertEqual((code, found["configuration"]), (1, ("FAIL", f"{flows}: load config: 2 problems; mend it: nothing of it takes effect as it is")))
        self.assertRegex(self.text, r"\n      \S*a\.yaml:\d+:\d+: unknown")
        self.assertRegex(self.text, r"\n      \S*b\.yaml:\d+:\d+: ")

    def test_files_of_all_kinds_are_known_by_their_keys(self):
        ports = [self.closing(ReservedPort()) for _ in range(6)]
        (link, link_admin, app, more, aio_link, aio_admin) = (port.port for port in ports)
        target = "targets:\n  - {name: api, host: api.example.com}\n"
        apps = f"apps:\n  - {{name: hello, module: {guest('hello_app')}, port: %d}}\n"
        flows = self.flows(address=f"127.0.0.1:{more}")
        link_file = self.write("link.yaml", f"listenAddr: 127.0.0.1:{link}\nmetricsAddr: 127.0.0.1:{link_admin}\n{target}")
        self.write("aio_link.yaml", target)
        files = (link_file, self.write("apps.yaml", apps % app), self.write("aio.yaml", f"""
flow: {{configDir: {flows}, metricsAddr: "127.0.0.1:{aio_admin}"}}
link: {{configPath: {self.folder}/aio_link.yaml, listenAddr: "127.0.0.1:{aio_link}"}}
wasmer: {{apps: [{{name: own, module: {guest('hello_app')}}}]}}
"""))
        if not HAS_WASMER:
            files = files[:1]
        code, _ = self.ask(*(word for file in files for word in ("--config", file)), FISO_METRICS_ADDR=None)
        self.assertEqual(code, 0, self.text)
        for file in files:
            self.assertIn(f"ok    configuration: {file}\n", self.text)
        of = [f" of {file}" if len(files) > 1 else "" for file in files]
        expected = {link: f"the link{of[0]}", link_admin: f"the admin port{of[0]}"}
        if HAS_WASMER:
            expected |= {app: f"app hello{of[1]}", more: f"flow orders{of[2]}", aio_link: f"the link{of[2]}", aio_admin: f"the admin port{of[2]}"}
        for port, owner in expected.items():
            self.assertIn(f"ok    port: 127.0.0.1:{port} ({owner})\n", self.text)
        self.assertEqual(len(re.findall("^ok    port: ", self.text, re.M)), len(expected))

    def test_a_port_that_two_configurations_want_fails(self):
        port = self.closing(ReservedPort())
        link = self.write("link.yaml", f"listenAddr: 127.0.0.1:0\nmetricsAddr: {port.address}\ntargets: [{{name: api, host: api.example.com}}]\n")
        flows = self.flows(address=f"localhost:{port.port}")
        code, _ = self.ask("--config-dir", flows, "--config", link)
        self.assertEqual(code, 1, self.text)
        self.assertIn(f"FAIL  port: listen {port.address}: address already in use (the admin port of {link}); that is wanted by flow orders of "
                      f"{flows} too: give one of them another\n", self.text)

    def test_other_files_are_told_what_is_expected(self):
        for text, why in (("name: x\nsource: {type: http}\n", "this is a flow: name its directory by --config-dir"), ("a: 1\n", "neither targets"),
                          ("a: [", ""), (None, "No such file or directory"), ("targets: 1\n", "targets"), ("apps: 1\n", "apps"), ("flow: 1\n", "flow")):
            path = self.folder / "file.yaml"
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
            code, found = self.ask("--config", path, FISO_METRICS_ADDR=ANY_PORT)
            self.assertEqual((code, found["configuration"][0]), (1, "FAIL"), self.text)
            self.assertIn(why, self.text)


if __name__ == "__main__":
    main()
