#!/usr/bin/env python3
"""What the pages tell a reader to type works: the commands of a page are typed into one shell, from its top to its end.

    tools/check_docs.py [PAGE...]      paths from the root of the repository; without any, all pages

The shell is in a scratch directory that looks like the root of the repository after a build, with the PATH of a fresh login and a home
of its own. Of a page
  - an `sh` block is typed, and the first command that fails ends the page;
  - a `text` block is what the commands before it print: its lines have to come, in their order; `…` stands for anything;
  - a block in another language whose first line is a comment with a file's name (`# flows/a.yaml`) is that file;
  - fixed ports are replaced by free ones.
Commands in docs/commands_not_typed.txt are left out, each for the reason that stands there; those of make are looked up in the Makefile.
A block that needs what this build has not (Go, Wasmer, a guest) is left out and told; exit code 77: all were.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
NOT_TYPED = "docs/commands_not_typed.txt"
# Those that other tests type.
OTHERS = {"docs/building-guests.md": "tests/e2e/examples_test.py", "docs/benchmarks.md": "written by bench/run.py"}
PROGRAMS = ("fiso", "fiso-flow", "fiso-link", "fiso-wasmer", "fiso-flow-wasmer", "fiso-wasmer-link", "fiso-wasmer-aio", "fiso-wasmer-host")
PORTS = ("3500", "8080", "8081", "8082", "8090", "9000", "9090")
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
PATIENCE = 120  # seconds until something that must happen counts as never happening
SHOWN_WITHIN = 20  # the same of output, when the commands have ended
SKIPPED = 77

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FILE_NAME = re.compile(r"(?:#|//|<!--) ([\w./-]+\.\w+)(?: -->)?$")
HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?")


class Block:
    """A fenced block of a page."""

    def __init__(self, page, line, language, text):
        self.place = f"{page}:{line}"
        self.language = language
        self.text = text
        named = FILE_NAME.match(text.split("\n", 1)[0]) if language not in ("sh", "text", "") else None
        self.file = named[1] if named else None


def blocks(page):
    text = (SOURCE / page).read_text()
    return [Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in FENCE.finditer(text)]


def pages():
    found = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.glob("*.md")) + sorted(SOURCE.glob("docs/*.md"))]
    return [page for page in found if page not in OTHERS and any(block.language == "sh" for block in blocks(page))]


def commands(text):
    """The commands of an `sh` block, as they are to be typed; a comment alone is none."""
    lines = text.splitlines()
    while lines:
        command = lines.pop(0)
        while command.endswith("\\") and lines:
            command += "\n" + lines.pop(0)
        if heredoc := HEREDOC.search(command):
            while lines and not command.endswith("\n" + heredoc[1]):
                command += "\n" + lines.pop(0)
        if command.strip() and not command.lstrip().startswith("#"):
            yield command


def bare(command):
    """A command as the list has it: its first line, without a comment behind it."""
    return re.sub(r"\s+#\s.*$", "", command.split("\n", 1)[0]).strip()


def not_typed():
    """The list: commands that are never typed, and those that are where they can be."""
    found, conditional = set(), set()
    for number, line in enumerate((SOURCE / NOT_TYPED).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = re.fullmatch(r"(\S.*?) ([=?])> (\S.*)", line)
        if not entry or entry[1] in found | conditional:
            raise ValueError(f"{NOT_TYPED}:{number}: expected COMMAND => REASON, or ?> REASON, each command once")
        (found if entry[2] == "=" else conditional).add(entry[1])
    return found, conditional


def make_targets(command):
    """What of the Makefile a command asks for; None: it is no command of make."""
    words = [word for word in command.split() if not re.fullmatch(r"\w+=\S*", word)]
    return words[1:] if words[:1] == ["make"] else None


def check_list():
    """What is wrong with the list, and with what pages say of make."""
    (listed, conditional), used, complaints = not_typed(), set(), []
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    tried = {}
    for page in pages():
        for block in blocks(page):
            for command in map(bare, commands(block.text)) if block.language == "sh" else ():
                used |= {command} & (listed | conditional)
                targets = make_targets(command)
                for target in targets or ():
                    if target not in tried:
                        tried[target] = subprocess.run(["make", "-n", target], cwd=SOURCE, env=env, capture_output=True, check=False).returncode
                    if tried[target] != 0:
                        complaints.append(f"{block.place}: the Makefile has no target {target}")
                if targets is not None and command not in listed:
                    complaints.append(f"{block.place}: `{command}` would build in the middle of a test: it needs a line in {NOT_TYPED}")
    return complaints + [f"{NOT_TYPED}: no page has `{command}` any more" for command in (listed | conditional) - used]


def program(name):
    """Where this build has it. A build without Wasmer says so by an empty FISO_WASMER_HOST: what tmp/ has is another build's."""
    if "wasmer" in name and os.environ.get("FISO_WASMER_HOST") == "":
        return None
    variable = "FISO" + name.removeprefix("fiso").replace("-", "_").upper()
    path = pathlib.Path(os.environ.get(variable) or SOURCE / "tmp" / name)
    return path if path.exists() else None


def guests():
    return pathlib.Path(os.environ.get("FISO_GUESTS", SOURCE / "build/release/guests"))


def missing(text):
    """What a block needs and this build, or this machine, has not."""
    needs = {f"./tmp/{name}": program(name) for name in PROGRAMS}
    for name in re.findall(r"\./tmp/([\w-]+)", text):
        if not needs.get(f"./tmp/{name}"):
            return f"{name} is not in this build"
    for name in re.findall(r"build/release/guests/([\w-]+\.wasm)", text):
        if not (guests() / name).exists():
            return f"the guest {name} is not in this build"
    if re.search(r"\bgo (build|mod)\b", text) and not os.environ.get("FISO_GO_ROOT"):
        return "built without Go guests"
    if "cargo build" in text and not has_rust():
        return "Rust has no standard library for wasm32-wasip1"
    return None


def has_rust():
    try:
        said = subprocess.run(["rustc", "--print", "target-libdir", "--target", "wasm32-wasip1"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return said.returncode == 0 and pathlib.Path(said.stdout.strip()).is_dir()


class FreePorts:
    """A free port for each fixed one, held so that nobody else is given it, while servers with SO_REUSEADDR may listen on it."""

    def __init__(self):
        self._sockets = {}
        for port in PORTS:
            held = self._sockets[port] = socket.socket()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
        self._free = {port: str(held.getsockname()[1]) for port, held in self._sockets.items()}

    def put_into(self, text):
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda match: self._free[match[0]], text)

    def __getitem__(self, port):
        return self._free[port]

    def close(self):
        for held in self._sockets.values():
            held.close()


class Shell:
    """A terminal that commands are typed into; it ends with the first that fails."""

    def __init__(self, cwd, env):
        self.process = subprocess.Popen(["bash", "-eo", "pipefail"], cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.output = ""
        self._typed = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.output += piece.decode(errors="replace")

    def type(self, command):
        """Returns once it has ended, or was put into the background; None, or what went wrong."""
        self._typed += 1
        done = f"typed {self._typed}."
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{{ {command}\n}} </dev/null\necho '{done}'\n".encode())
            self.process.stdin.flush()
        if not wait_for(lambda: done in self.output or self.process.poll() is not None):
            return f"it has not ended after {PATIENCE} s"
        if done not in self.output:
            self._reader.join(PATIENCE)
            return f"it ended with {self.process.returncode}"
        return None

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()


def wait_for(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def first_not_shown(output, expected):
    """The first line that is not there, behind those before it; None: all are."""
    at = 0
    for line in expected.splitlines():
        end_of_line = at
        for piece in filter(None, (piece.strip() for piece in line.split("…"))):
            found = output.find(piece, end_of_line)
            if found < 0:
                return line
            end_of_line = found + len(piece)
        at = end_of_line
    return None


class Reader:
    """Goes through one page."""

    def __init__(self, page):
        self.page = page
        self.typed = 0
        self.skipped = []
        self._folder = tempfile.TemporaryDirectory(prefix="fiso-docs-")
        self.ports = FreePorts()
        self.root = pathlib.Path(self._folder.name) / "fiso"
        self._shell = Shell(self._lay_out(), self._environment())

    def _lay_out(self):
        home = pathlib.Path(self._folder.name) / "home"
        (home / ".cache/fiso").mkdir(parents=True)
        if os.environ.get("FISO_GO_ROOT"):
            (home / ".cache/fiso/go").symlink_to(os.environ["FISO_GO_ROOT"])
        (self.root / "build/release").mkdir(parents=True)
        (self.root / "build/release/guests").symlink_to(guests())
        (self.root / "tmp").mkdir()
        for name in PROGRAMS:
            if path := program(name):
                (self.root / "tmp" / name).symlink_to(path.resolve())
        shutil.copytree(SOURCE / "guests", self.root / "guests", ignore=shutil.ignore_patterns("build"))
        shutil.copytree(SOURCE / "examples", self.root / "examples")
        for path in (self.root / "examples").rglob("*.yaml"):
            path.write_text(self.ports.put_into(path.read_text()))
        return self.root

    def _environment(self):
        env = {"PATH": PLAIN_PATH, "HOME": f"{self._folder.name}/home", "FISO_METRICS_ADDR": f"127.0.0.1:{self.ports['9090']}",
               "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
        # The compiled standard library is kept: compiling it anew would take minutes on a small machine.
        if cache := os.environ.get("FISO_GO_CACHE"):
            env["GOCACHE"] = cache
        if host := program("fiso-wasmer-host"):
            env["FISO_WASMER_HOST"] = str(host)
        if cargo := shutil.which("cargo"):
            env.update(PATH=f"{PLAIN_PATH}:{pathlib.Path(cargo).parent}", CARGO_HOME=os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")),
                       RUSTUP_HOME=os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup")), CARGO_NET_OFFLINE="true")
        return env

    def read(self):
        """None, or what is wrong with the page."""
        listed, conditional = not_typed()
        before, skipping = 0, None
        for block in blocks(self.page):
            if block.file:
                path = self.root / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.ports.put_into(block.text))
            elif block.language == "sh":
                typed = [command for command in commands(block.text) if bare(command) not in listed]
                before, skipping = len(self._shell.output), self._missing("\n".join(typed))
                if skipping:
                    self.skipped.append((f"{block.place}: {skipping}", any(bare(command) in conditional for command in typed)))
                elif complaint := self._type(block, typed):
                    return complaint
            elif block.language == "text" and not skipping:
                expected = self.ports.put_into(block.text)
                if not wait_for(lambda at=before, lines=expected: first_not_shown(self._shell.output[at:], lines) is None, SHOWN_WITHIN):
                    said = self._shell.output[before:]
                    return f"{block.place}: `{first_not_shown(said, expected)}` was not printed, but\n{said}{self._logs()}"
        return None

    def _missing(self, text):
        """Of commands and the files that they name."""
        files = [path for path in self.root.rglob("*.yaml") if path.relative_to(self.root).as_posix() in text
                 or f" {path.parent.relative_to(self.root).as_posix()} " in text]
        return missing("\n".join([text, *(path.read_text() for path in files)]))

    def _type(self, block, typed):
        for command in typed:
            self.typed += 1
            before = len(self._shell.output)
            if complaint := self._shell.type(self.ports.put_into(command)):
                return f"{block.place}: {command}\n{complaint}:\n{self._shell.output[before:]}{self._logs()}"
        return None

    def _logs(self):
        """The end of what was written last."""
        logs = sorted(self.root.glob("*.log"), key=lambda path: path.stat().st_mtime)
        return "".join(f"\n== {path.name}\n{path.read_text()[-4000:]}" for path in logs[-2:])

    def close(self):
        self._shell.close()
        self.ports.close()
        self._folder.cleanup()


def read(page):
    """(What is wrong with it or None, number of commands typed, what was left out: (why, whether the list knows)."""
    with contextlib.closing(Reader(page)) as reader:
        complaint = reader.read()
        return complaint, reader.typed, reader.skipped


def main(arguments):
    complaints = check_list()
    typed = 0
    for page in arguments or pages():
        complaint, count, skipped = read(page)
        typed += count
        print(f"{page}: {'FAILED' if complaint else 'ok'}, {count} commands typed", flush=True)
        for line, _ in skipped:
            print(f"  left out: {line}")
        complaints += [complaint] if complaint else []
    for complaint in complaints:
        print(f"\n{complaint}", file=sys.stderr)
    return 1 if complaints else 0 if typed else SKIPPED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
