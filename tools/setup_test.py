#!/usr/bin/env python3
"""What tools/setup.sh does and says, with stubs in place of the tools that would change the machine or ask the network."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parent / "setup.sh"
REAL_TOOLS = ("awk", "bash", "cat", "comm", "dirname", "env", "find", "grep", "head", "mkdir", "mktemp", "mv", "printf", "rm", "sed",
              "sleep", "sort", "tee", "touch", "true")
NOBODY = 65534
LLHTTP_FILES = ("llhttp.c", "llhttp.h", "api.c", "http.c")


def pinned(variable):
    """What the script's own declarations say, such as llhttp=llhttp-9.3.0."""
    return re.search(rf"\b{variable}=(\S+)", SETUP.read_text())[1]


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fiso-setup-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.root.chmod(0o755)
        (self.root / "tools").mkdir()
        shutil.copy(SETUP, self.root / "tools/setup.sh")
        self.bin, self.cache = self.root / "bin", self.root / "cache"
        self.bin.mkdir()
        for tool in REAL_TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        fetched = {pinned("llhttp"): LLHTTP_FILES, pinned("cpython"): ("python.wasm",), pinned("django"): (), pinned("quickjs"): ()}
        for directory, files in fetched.items():
            (self.cache / "deps" / directory).mkdir(parents=True)
            for name in files:
                (self.cache / "deps" / directory / name).touch()
        self.calls = self.root / "calls"
        self.calls.touch()
        self.installed = self.root / "installed"
        self.installed.touch()
        self.stub("dpkg-query", 'for one in "${@:3}"; do case $one in ninja-build|wabt) [[ -s $INSTALLED ]] || continue;; esac; '
                  'echo "ii  $one"; done')
        self.stub("apt-get", 'case " $* " in *" install "*) echo done >"$INSTALLED";; esac')
        self.stub("go", "echo go1.99")
        self.stub("cargo", "echo cargo 1.99.0")
        self.rust("1.99.0")
        for path in (self.calls, self.installed):
            path.chmod(0o666)

    def stub(self, name, script):
        file = self.bin / name
        file.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >>"$CALLS"\n{script}\n')
        file.chmod(0o755)

    def rust(self, version, target_libraries=None):
        libraries = target_libraries or self.root
        self.stub("rustc", f"case $1 in --print) echo {libraries};; *) echo 'rustc {version} (0 2026-01-01)';; esac")

    def run_setup(self, *arguments):
        """As a user who is not root: nothing that it runs could change the machine."""
        env = {"PATH": str(self.bin), "HOME": str(self.root), "FISO_BUILD_CACHE": str(self.cache), "CALLS": str(self.calls),
               "INSTALLED": str(self.installed)}
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self.calls.write_text("")
        done = subprocess.run([str(self.bin / "bash"), str(self.root / "tools/setup.sh"), *arguments], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False, **user)
        return done.returncode, done.stdout + done.stderr

    def called(self, name):
        return [line for line in self.calls.read_text().splitlines() if line.split()[0] == name]

    def test_a_second_run_has_nothing_to_do_and_says_nothing(self):
        self.stub("sudo", 'if [[ $1 == -n ]]; then shift; fi; exec "$@"')
        code, said = self.run_setup()
        self.assertEqual(code, 0, said)
        self.assertIn("setup: installing 2 packages: ninja-build wabt", said)
        self.assertIn("apt-get -o DPkg::Lock::Timeout=600 -q -y install --no-install-recommends ninja-build wabt", self.called("apt-get"))
        self.assertEqual(self.run_setup(), (0, ""))
        self.assertEqual(self.called("apt-get"), [])

    def test_what_only_packages_and_images_need_is_only_asked_for_by_them(self):
        self.installed.write_text("done")
        for arguments, extra in (((), set()), (("deb",), {"dpkg-dev", "file"}), (("images",), {"mmdebstrap", "podman", "runc"})):
            self.assertEqual(self.run_setup(*arguments), (0, ""))
            (asked,) = self.called("dpkg-query")
            self.assertEqual(extra, {"dpkg-dev", "file", "mmdebstrap", "podman", "runc"} & set(asked.split()))
        self.stub("buildah", "")
        self.assertEqual(self.run_setup("images"), (0, ""))
        self.assertNotIn("podman", self.called("dpkg-query")[0].split())
        self.assertEqual(self.run_setup("cake"), (2, "setup: there is nothing called cake to set up: deb, images\n"))

    def test_a_rust_without_the_target_of_guests_gets_that_of_debian_beside_it(self):
        self.installed.write_text("done")
        self.rust("1.99.0", target_libraries=self.root / "none")
        self.stub("dpkg", 'mkdir -p "$3/usr"')
        self.stub("apt-get", "touch rustc.deb")
        (self.bin / "chmod").symlink_to(shutil.which("chmod"))
        os.chmod(self.cache / "deps", 0o777)
        code, said = self.run_setup()
        self.assertEqual(code, 0, said)
        self.assertIn("to use your own instead: rustup target add wasm32-wasip1\n", said)
        self.assertIn(f'/{pinned("rust_for_guests")}/usr/bin/rustc --sysroot ', (self.cache / "deps" / pinned("rust_for_guests") / "rustc").read_text())
        self.assertEqual(self.run_setup(), (0, ""))

    def test_where_debian_has_no_rust_either_it_is_told_how_to_get_one(self):
        self.installed.write_text("done")
        self.rust("1.99.0", target_libraries=self.root / "none")
        code, said = self.run_setup()
        self.assertEqual(code, 0, said)
        self.assertIn("to have them: rustup target add wasm32-wasip1\n", said)

    def test_without_root_and_sudo_it_says_what_to_type(self):
        code, said = self.run_setup()
        self.assertEqual(code, 1)
        self.assertIn("CANNOT install packages: neither root nor sudo. As root:\n         apt-get install ninja-build wabt\n", said)
        self.assertIn("setup: 1 of the things needed are missing, see above", said)
        self.assertEqual(self.called("apt-get"), [])

    def test_a_sudo_that_wants_a_password_is_not_waited_for(self):
        self.stub("sudo", "exit 1")
        code, said = self.run_setup()
        self.assertEqual(code, 1)
        self.assertIn("sudo wants a password and there is no terminal to ask on. Run:\n         sudo apt-get install ninja-build wabt\n", said)

    def test_an_old_Rust_is_told_and_left_alone(self):
        self.installed.write_text("done")
        self.rust("1.70.0")
        code, said = self.run_setup()
        self.assertEqual(code, 1)
        self.assertIn(f"CANNOT build with Rust 1.70.0 ({self.bin}/rustc), {pinned('rust_wanted')} or newer is needed. With rustup:", said)
        self.stub("rustup", "")
        self.assertIn("Run:\n         rustup update stable && rustup default stable\n", self.run_setup()[1])
        self.assertEqual(self.called("rustup"), [])

    def test_a_missing_Rust_is_told(self):
        self.installed.write_text("done")
        (self.bin / "rustc").unlink()
        code, said = self.run_setup()
        self.assertEqual(code, 1)
        self.assertIn(f"CANNOT find Rust ({pinned('rust_wanted')} or newer; it is never installed behind your back)", said)


if __name__ == "__main__":
    unittest.main()
