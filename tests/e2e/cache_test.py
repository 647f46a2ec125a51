#!/usr/bin/env python3
"""The module cache: a module is compiled once, whoever damaged the cache is not trusted, and without one it works too."""
import pathlib

from harness import FISO, TestCase, environment, flow_yaml, guest, main, post, run


class Cache(TestCase):
    def setUp(self):
        self.cache = self.directory().path.parent / "cache"
        self.files = self.directory(orders=flow_yaml(module=guest("enrich")))

    def compiles(self, cache=None):
        """Does a start with this cache compile? The flow must work either way."""
        flow = self.start(self.files, FISO_CACHE_DIR=cache or self.cache)
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        self.assert_stops(flow)
        self.log = flow.log()
        compiled = [line for line in self.log if line["msg"] == "compiled wasm module"]
        self.assertEqual(len(compiled), len(flow.log("compiling wasm module")))
        return bool(compiled)

    def artifacts(self):
        return sorted(self.cache.glob("*.artifact"))

    def test_a_second_start_does_not_compile(self):
        self.assertTrue(self.compiles())
        self.assertFalse(self.compiles())

    def test_the_directory_is_private(self):
        self.compiles()
        self.assertEqual(self.cache.stat().st_mode & 0o777, 0o700)
        self.assertEqual({file.stat().st_mode & 0o777 for file in self.cache.iterdir()}, {0o600})

    def test_a_damaged_artifact_is_compiled_again(self):
        self.compiles()
        artifact, = self.artifacts()
        for damage in (lambda data: data[:-1], lambda data: b"", lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:]):
            artifact.write_bytes(damage(artifact.read_bytes()))
            self.assertTrue(self.compiles())
            self.assertFalse(self.compiles())

    def test_a_cache_that_others_may_write_is_not_used(self):
        self.compiles()
        self.cache.chmod(0o777)
        self.assertTrue(self.compiles())
        self.assert_warned("it must belong to this user and be writable by nobody else")

    def test_a_cache_that_cannot_be_used_is_a_warning(self):
        for place in ("/dev/null/cache", pathlib.Path(guest("enrich"))):
            self.assertTrue(self.compiles(place))
            self.assert_warned(str(place))

    def assert_warned(self, text):
        line, = [line for line in self.log if line["msg"] == "module cache is not used, modules are compiled at every start"]
        self.assertEqual(line["level"], "WARN")
        self.assertIn(text, line["error"])

    def test_one_module_in_two_flows_is_compiled_once(self):
        self.files.write("more.yaml", flow_yaml("more", path="/more", module=guest("enrich")))
        self.compiles()
        self.assertEqual(len([line for line in self.log if line["msg"] == "compiled wasm module"]), 1)

    def test_module_compile_fills_it_ahead(self):
        ended = run(FISO, "module", "compile", guest("enrich"), guest("passthrough"), env=environment(FISO_CACHE_DIR=self.cache))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(self.artifacts()), 2)
        self.assertFalse(self.compiles())


if __name__ == "__main__":
    main()
