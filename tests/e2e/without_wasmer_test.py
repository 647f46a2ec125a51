#!/usr/bin/env python3
"""A build with FISO_WASMER=OFF: whoever asks for `runtime: wasmer` is told once which option brings it, and all else works."""
from harness import FISO, FISO_FLOW, TestCase, environment, flow_yaml, guest, main, run
from link_harness import FISO_LINK

SAID = 'runtime "wasmer" is not in this build: build with the CMake option FISO_WASMER=ON'


class WithoutWasmer(TestCase):
    def check(self, ended, said):
        self.assertEqual(ended.returncode, 1)
        text = ended.stderr.decode()
        self.assertEqual((text.count("FISO_WASMER"), text.count(said + "\n")), (1, 1), text)

    def test_flows_are_refused_with_the_name_of_the_option(self):
        path = self.directory(orders=flow_yaml(module=guest("enrich"), interceptor="      runtime: wasmer\n")).path
        for flags in (("-check",), ()):
            self.check(run(FISO_FLOW, *flags, "-config-dir", path), SAID + ", and use fiso-flow-wasmer")
        self.check(run(FISO, "validate", path), SAID)

    def test_targets_are(self):
        files = self.directory()
        files.write("link.yaml", "targets:\n  - name: a\n    host: a.example\n    interceptors:\n"
                    f"      - {{type: wasm, config: {{runtime: wasmer, module: {guest('cat')}}}}}\n")
        self.check(run(FISO_LINK, "-check", "-config", files.path / "link.yaml"), SAID + ", and use fiso-wasmer-link")

    def test_modules_are_not_compiled_for_it(self):
        self.check(run(FISO, "module", "compile", "--runtime", "wasmer", guest("enrich"), env=environment(FISO_WASMER_HOST="/bin/true")), SAID)
        self.assertEqual(run(FISO, "module", "compile", "--runtime", "wazero", guest("enrich")).returncode, 0)


if __name__ == "__main__":
    main()
