#!/usr/bin/env python3
"""The bill of materials of a package, CycloneDX 1.5: what its programs are made of, with versions and licences.

    sbom.py PACKAGE VERSION --deps DIR [--packages FILE] PROGRAM...

Three kinds of parts: Debian packages, of the shared libraries that the programs name and of the headers that are compiled in; the
C sources that tools/setup.sh brought; the crates that are linked, as cargo resolves the lock files. FILE is given the names of the
Debian packages that must be there when the programs run. Of one state of all that it gives the same bytes: the time is
SOURCE_DATE_EPOCH. Run it where the programs were built.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[1]
# Debian packages of which only headers are compiled in.
HEADERS = ("libboost1.81-dev", "libcli11-dev", "libexpected-dev", "libfmt-dev", "libspdlog-dev")
# Where the copyright file is not for machines.
STATED = {"libc6": "LGPL-2.1-or-later", "libc-ares2": "MIT", "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
          "libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1", "zlib1g": "Zlib"}
# Debian's names, and SPDX's.
SPDX = {"expat": "MIT", "mit": "MIT", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "apache-2.0": "Apache-2.0",
        "bsl-1.0": "BSL-1.0", "cc0-1.0": "CC0-1.0", "zlib": "Zlib", "expat with embedded exception": "MIT"}
CRATES = {"fiso": ("light-engine",), "fiso-wasmer": ("light-engine", "wasmer-host")}
TARGET = "x86_64-unknown-linux-gnu"


def output(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=True).stdout


def shared_libraries(programs):
    """Paths of what the programs themselves name; what those need in turn is for Debian's dependencies to say."""
    named, paths = set(), {}
    for program in programs:
        named |= set(re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", program)))
        paths |= dict(re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", program), re.M))
    return sorted(paths[name] for name in named if name in paths)


def package_of(path):
    """The Debian package of a file; with /usr merged, dpkg may know it by either name."""
    real = os.path.realpath(path)
    for name in (real, real.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise SystemExit(f"sbom: {real} is of no Debian package; its part of the bill cannot be written")


def debian_licence(package):
    if package in STATED:
        return STATED[package]
    text = pathlib.Path(f"/usr/share/doc/{package}/copyright").read_text(errors="replace")
    match = re.search(r"^Files:[ ]*\*\n(?:(?!\n\n).)*?^License:[ ]*(.+?)$", text, re.M | re.S)
    if not match:
        raise SystemExit(f"sbom: the licence of {package} is not told for machines: add it to STATED in {__file__}")
    return SPDX.get(match[1].strip().lower(), match[1].strip())


def licences(expression):
    """One SPDX identifier, an expression of several, or a name that SPDX does not know."""
    if re.fullmatch(r"[A-Za-z0-9.-]+", expression) and re.search(r"\d|MIT|ISC|Zlib|Unlicense", expression):
        return [{"license": {"id": expression}}]
    if re.search(r" (OR|AND|WITH) ", expression):
        return [{"expression": expression}]
    return [{"license": {"name": expression}}]


def debian_part(package, kind):
    version, source, architecture = output("dpkg-query", "-W", "-f", "${Version}\t${source:Package}\t${Architecture}", package).split("\t")
    quoted = urllib.parse.quote(version, safe="")
    purl = f"pkg:deb/debian/{urllib.parse.quote(package)}@{quoted}?arch={architecture}&distro=bookworm"
    return {"type": "library", "bom-ref": purl, "name": package, "version": version, "licenses": licences(debian_licence(package)),
            "purl": purl, "properties": [{"name": "fiso:linked", "value": kind}, {"name": "fiso:debian-source", "value": source}]}


def source_parts(deps):
    """llhttp: the one whose C sources are compiled in. The folder has its version in its name."""
    for folder in sorted(pathlib.Path(deps).glob("llhttp-*")):
        name, version = folder.name.rsplit("-", 1)
        purl = f"pkg:github/nodejs/llhttp@v{version}"
        licence = "MIT" if "Permission is hereby granted, free of charge" in (folder / "LICENSE").read_text() else "see its LICENSE"
        yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "licenses": licences(licence), "purl": purl,
               "properties": [{"name": "fiso:linked", "value": "source"}]}


def crate_parts(workspace):
    """What cargo links: along normal dependencies, for the platform; neither what only builds nor what only tests."""
    told = json.loads(output("cargo", "metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", TARGET,
                             cwd=SOURCE / "native" / workspace))
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    root = told["resolve"]["root"]
    macros = {i for i, package in packages.items() if any("proc-macro" in target["kind"] for target in package["targets"])}
    found, new = {root}, [root]
    while new:
        for dependency in nodes[new.pop()]["deps"]:
            linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if linked and dependency["pkg"] not in found and dependency["pkg"] not in macros:
                found.add(dependency["pkg"])
                new.append(dependency["pkg"])
    locked = locked_hashes(SOURCE / "native" / workspace / "Cargo.lock")
    for package in (packages[i] for i in sorted(found - {root})):
        yield crate_part(package, locked.get((package["name"], package["version"])))


def locked_hashes(lock):
    blocks = re.findall(r'^name = "(.+?)"\nversion = "(.+?)"\n(?:source = .+\n)?(?:checksum = "(.+?)")?', lock.read_text(), re.M)
    return {(name, version): digest for name, version, digest in blocks if digest}


def crate_part(package, digest):
    purl = f"pkg:cargo/{package['name']}@{urllib.parse.quote(package['version'], safe='')}"
    licence = (package["license"] or "").replace("/", " OR ").replace("  ", " ") or f"see its {package['license_file'] or 'sources'}"
    part = {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "licenses": licences(licence),
            "purl": purl, "properties": [{"name": "fiso:linked", "value": "crate"}]}
    if digest:
        part["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return part


def rust_library():
    """The standard library, which every Rust program has in it."""
    version = output("rustc", "--version").split()[1]
    purl = f"pkg:github/rust-lang/rust@{version}"
    return {"type": "library", "bom-ref": purl, "name": "rust-std", "version": version, "licenses": licences("MIT OR Apache-2.0"),
            "purl": purl, "properties": [{"name": "fiso:linked", "value": "source"}]}


def bill(package, version, parts):
    time = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    refs = sorted(parts)
    named = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([package, version, time.isoformat(), refs]))
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{named}", "version": 1,
            "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "tools": {"components": [{"type": "application", "name": "tools/sbom.py", "version": version}]},
                         "component": {"type": "application", "bom-ref": package, "name": package, "version": version}},
            "components": [parts[ref] for ref in refs], "dependencies": [{"ref": package, "dependsOn": refs}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("version")
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--deps", required=True)
    parser.add_argument("--packages")
    arguments = parser.parse_args()
    at_run = sorted({package_of(path) for path in shared_libraries(arguments.programs)})
    found = [debian_part(name, "shared") for name in at_run] + [debian_part(name, "headers") for name in HEADERS]
    found += [*source_parts(arguments.deps), rust_library()]
    for workspace in CRATES[arguments.package]:
        found += crate_parts(workspace)
    json.dump(bill(arguments.package, arguments.version, {part["bom-ref"]: part for part in found}), sys.stdout, indent=1)
    print()
    if arguments.packages:
        pathlib.Path(arguments.packages).write_text("".join(f"{name}\n" for name in at_run))


if __name__ == "__main__":
    main()
