"""What the tests of fiso-wasmer-aio share: the program as a process, over files of its own."""
import os

from harness import ANY_PORT, SOURCE, Flow, environment, get, guest, poll, run
from link_harness import LinkCase

FISO_WASMER_AIO = os.environ.get("FISO_WASMER_AIO", str(SOURCE / "tmp/fiso-wasmer-aio"))


class Aio(Flow):
    """A running fiso-wasmer-aio."""

    def __init__(self, file, *flags, **env):
        self._start([FISO_WASMER_AIO, "-config", str(file), *flags], env)

    @property
    def link_port(self):
        return self.wait_log("fiso-link started")[0]["port"]

    def app_port(self, name):
        return next(app["port"] for app in get(self.admin_port, "/apps").json() if app["name"] == name)


def app_yaml(name, module, more=""):
    return f"    - {{name: {name}, module: {guest(module)}, memoryMB: 64{more}}}\n"


def target_yaml(name, port, more=""):
    return f"  - {{name: {name}, protocol: http, host: 127.0.0.1, port: {port}{more}}}\n"


def app_target_yaml(name, app, more=""):
    return f"  - {{name: {name}, protocol: app, app: {app}{more}}}\n"


class AioCase(LinkCase):
    """Files: flows/*.yaml, link.yaml, aio.yaml beside them."""

    def files_of(self, flows, targets="", apps="", head=""):
        self.flows = self.directory(**flows)
        self.folder = self.flows.path.parent
        if targets is not None:
            self.write_link(targets)
        self.has_link = targets is not None
        self.write_apps(apps, head)
        return self.folder / "aio.yaml"

    def start(self, flows, targets="", apps="", head="", ready=True, **env):
        aio = self.closing(Aio(self.files_of(flows, targets, apps, head), **env))
        self.aio = aio
        return aio.wait_ready() if ready else aio

    def _replace(self, name, text):
        aside = self.folder / f"{name}.new"
        aside.write_text(text)
        aside.rename(self.folder / name)

    def write_link(self, targets, head=f'listenAddr: "{ANY_PORT}"\n'):
        self._replace("link.yaml", head + (f"targets:\n{targets}" if targets else "targets: []\n"))

    def write_apps(self, apps, head=""):
        link = f"link: {{configPath: {self.folder}/link.yaml}}\n" if self.has_link else ""
        wasmer = f"wasmer:\n  apps:\n{apps}" if apps else ""
        self._replace("aio.yaml", f"flow: {{configDir: {self.flows.path}}}\n{link}{head}{wasmer}")

    def check(self, *arguments, **env):
        done = run(FISO_WASMER_AIO, "-config", self.folder / "aio.yaml", "-check", *arguments, env=environment(**env))
        return done.returncode, done.stderr.decode()

    def verdict(self, part, attempts):
        def state():
            self.aio.check_alive("a verdict")
            verdict = self.aio.reload_state()[part]
            return verdict if verdict["attempts"] >= attempts else None
        return poll(f"verdict {attempts} of {part}", state)
