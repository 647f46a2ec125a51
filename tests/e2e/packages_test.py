#!/usr/bin/env python3
"""What is shipped: tarballs that are the same bytes each time and work where they are unpacked, bills of materials that are whole,
Debian packages, manual pages and completions that say what the programs say, and the targets that make all that."""
import gzip
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest

from harness import GUESTS, PATIENCE, SOURCE, environment, guest, main

BUILD = GUESTS.parent
PACKAGES = ("fiso", "fiso-wasmer") if "FISO_WASMER" in os.environ else ("fiso",)
GUIDE = """build build-link build-cli build-all build-wasmer build-flow-wasmer build-wasmer-link build-wasmer-aio build-wasmer-all
docker-wasmer docker-flow-wasmer docker-wasmer-link docker-wasmer-aio docker-flow docker-link docker-all e2e-wasmer-standalone
e2e-flow-wasmer e2e-wasmer-link e2e-wasmer-aio e2e-wasm e2e-http e2e-multi-flow e2e-kafka-link e2e-all test install dist deb""".split()


def do(*command, **more):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PATIENCE * 4, check=False, cwd=SOURCE, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


class Shipped(unittest.TestCase):
    dist = None  # made once for all of them

    @classmethod
    def setUpClass(cls):
        if Shipped.dist is None:
            folder = tempfile.TemporaryDirectory(prefix="fiso-packages-")
            unittest.addModuleCleanup(folder.cleanup)
            root = pathlib.Path(folder.name)
            Shipped.dist, Shipped.again, Shipped.tree = root / "dist", root / "again", root / "tree"
            do("tools/dist.sh", BUILD, Shipped.dist)
            Shipped.sums = (Shipped.dist / "SHA256SUMS").read_text()
            for package in PACKAGES:
                with tarfile.open(cls.tarball(package)) as tar:
                    tar.extractall(Shipped.tree)

    @staticmethod
    def tarball(package):
        (found,) = Shipped.dist.glob(f"{package}-[0-9]*-linux-*.tar.gz")
        return found

    def bill(self, package):
        (found,) = self.dist.glob(f"{package}-[0-9]*.cdx.json")
        return json.loads(found.read_text())

    def programs(self, package):
        (tree,) = self.tree.glob(f"{package}-[0-9]*")
        return sorted([*tree.glob("bin/*"), *tree.glob("libexec/fiso/*")])


class Tarballs(Shipped):
    def test_the_same_programs_give_the_same_bytes(self):
        do("tools/dist.sh", BUILD, self.again)
        self.assertEqual((self.again / "SHA256SUMS").read_text(), self.sums)
        for line in self.sums.splitlines():
            digest, name = line.split()
            self.assertEqual(do("sha256sum", self.dist / name).split()[0], digest)

    def test_nothing_in_them_says_who_built_them(self):
        for package in PACKAGES:
            with tarfile.open(self.tarball(package)) as tar:
                members = tar.getmembers()
            self.assertEqual({(member.uid, member.gid, member.uname, member.gname) for member in members}, {(0, 0, "", "")})
            self.assertEqual(len({member.mtime for member in members}), 1)
            self.assertEqual({oct(member.mode) for member in members if member.isdir()}, {"0o755"})
            for program in self.programs(package):
                self.assertNotIn(str(SOURCE).encode(), program.read_bytes(), program.name)

    def test_programs_run_where_they_are_unpacked(self):
        for package in PACKAGES:
            for program in self.programs(package):
                if program.parent.name == "bin":
                    self.assertTrue(do(program, "--version").startswith(program.name + " "))

    def test_the_worker_is_found_beside_its_programs(self):
        if "fiso-wasmer" not in PACKAGES:
            self.skipTest("built without Wasmer")
        (program,) = (path for path in self.programs("fiso-wasmer") if path.name == "fiso-wasmer")
        do(program, "-module", guest("hello_app"), "-check", env=environment(FISO_WASMER_HOST=None))


class Bills(Shipped):
    def test_they_have_what_the_format_asks_for(self):
        for package in PACKAGES:
            bill = self.bill(package)
            self.assertEqual((bill["bomFormat"], bill["specVersion"], bill["version"]), ("CycloneDX", "1.5", 1))
            self.assertRegex(bill["serialNumber"], r"^urn:uuid:[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
            self.assertRegex(bill["metadata"]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual(bill["metadata"]["component"]["name"], package)
            refs = [part["bom-ref"] for part in bill["components"]]
            self.assertEqual(len(refs), len(set(refs)))
            self.assertEqual(bill["dependencies"], [{"ref": package, "dependsOn": refs}])
            for part in bill["components"]:
                self.assertEqual(part["type"], "library")
                self.assertTrue(part["name"] and part["version"], part)
                self.assertRegex(part["purl"], r"^pkg:(deb|cargo|github)/")
                self.assert_licences(part)

    def assert_licences(self, part):
        (one,) = part["licenses"]
        if "expression" in one:
            self.assertRegex(one["expression"], r"^[A-Za-z0-9.()+ -]+$")
        else:
            self.assertTrue(one["license"].get("id") or one["license"].get("name"), part)

    def test_every_library_that_a_program_names_is_in_them(self):
        for package in PACKAGES:
            parts = {part["name"] for part in self.bill(package)["components"]}
            for program in self.programs(package):
                linked = dict(re.findall(r"^\s*(\S+) => (/\S+)", do("ldd", program), re.M))
                for name in re.findall(r"NEEDED\s+(\S+)", do("objdump", "-p", program)):
                    if name in linked:
                        owner = self.owner(os.path.realpath(linked[name]))
                        self.assertIn(owner, parts, f"{program.name} needs {name}")

    @staticmethod
    def owner(path):
        for name in (path, path.removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.split(":")[0]
        raise AssertionError(f"no package has {path}")

    def test_the_engines_and_the_parser_are_in_them_with_their_hashes(self):
        parts = {part["name"]: part for part in self.bill("fiso")["components"]}
        self.assertTrue({"wasmtime", "llhttp", "rust-std", "libboost1.81-dev"} <= parts.keys())
        self.assertRegex(parts["wasmtime"]["hashes"][0]["content"], r"^[0-9a-f]{64}$")
        self.assertNotIn("wasmer", parts)
        if "fiso-wasmer" in PACKAGES:
            parts = {part["name"]: part for part in self.bill("fiso-wasmer")["components"]}
            self.assertTrue({"wasmer", "wasmer-wasix", "landlock", "seccompiler"} <= parts.keys())


class DebianPackages(Shipped):
    def test_they_have_programs_units_and_pages_and_are_the_same_bytes_each_time(self):
        first = {path.name: path for path in self.make()}
        contents = {name: do("dpkg-deb", "-c", path) for name, path in first.items()}
        hashes = {name: do("sha256sum", path).split()[0] for name, path in first.items()}
        self.assertEqual({name: do("sha256sum", path).split()[0] for name, path in ((p.name, p) for p in self.make())}, hashes)
        self.assertEqual({name.split("_")[0] for name in contents}, set(PACKAGES))
        for name, listed in contents.items():
            package = name.split("_")[0]
            files = re.findall(r" \.(/\S+)$", listed, re.M)
            for program in self.programs(package):
                place = "/usr/libexec/fiso/" if program.parent.name == "fiso" else "/usr/bin/"
                self.assertIn(place + program.name, files)
                if place == "/usr/bin/":
                    self.assertIn(f"/usr/share/man/man1/{program.name}.1.gz", files)
                    self.assertIn(f"/usr/share/bash-completion/completions/{program.name}", files)
                    if program.name != "fiso":
                        self.assertIn(f"/usr/lib/systemd/system/{program.name}.service", files)
            self.assertEqual(set(re.findall(r"^\S+ (\S+)", listed, re.M)), {"root/root"})
            self.assertRegex(do("dpkg-deb", "-f", first[name], "Depends"), r"libssl3 \(>= .*libstdc\+\+6")

    def make(self):
        do("tools/deb.sh", BUILD, self.dist)
        return sorted(self.dist.glob("*.deb"))


class Pages(Shipped):
    def test_manual_pages_name_every_option(self):
        for package in PACKAGES:
            (tree,) = self.tree.glob(f"{package}-[0-9]*")
            for program in tree.glob("bin/*"):
                page = gzip.decompress((tree / f"share/man/man1/{program.name}.1.gz").read_bytes()).decode()
                shown = page.replace("\\-", "-")
                for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", do(program, "--help"), re.M):
                    self.assertIn(f"\\fB{option}\\fR", shown)

    def test_bash_completes_programs_and_subcommands(self):
        (tree,) = self.tree.glob("fiso-[0-9]*")

        def offered(program, *words):
            script = (f"source {tree}/share/bash-completion/completions/{program}; COMP_WORDS=({program} {' '.join(words)}); "
                      f"COMP_CWORD={len(words)}; _{program.replace('-', '_')} 2>/dev/null; echo \"${{COMPREPLY[@]}}\"")
            return do("bash", "-c", script).split()
        self.assertIn("--config-dir", offered("fiso-flow", "--con"))
        self.assertEqual(offered("fiso", "mod"), ["module"])
        self.assertEqual(offered("fiso", "module", "co"), ["compile"])
        self.assertEqual(offered("fiso", "module", "run", "--memory"), ["--memory-limit"])


class Targets(unittest.TestCase):
    def test_make_knows_the_commands_of_the_guide(self):
        for target in GUIDE:
            with self.subTest(target):
                do("make", "-n", target)

    def test_without_wasmer_its_targets_say_so(self):
        done = subprocess.run(["make", "-o", "setup", "build-wasmer", "FISO_NO_WASMER=1"], cwd=SOURCE, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("FISO_WASMER=OFF", done.stderr)


if __name__ == "__main__":
    main()
