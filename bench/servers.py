"""The servers that are measured: nginx, fiso-flow, fiso-link and fiso-wasmer with one shard. Ports are the kernel's choice."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import machine
from load import Client
from processes import BenchError, Process, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[1]
FISO_FLOW = SOURCE / "tmp/fiso-flow"
FISO_LINK = SOURCE / "tmp/fiso-link"
FISO_FLOW_WASMER = SOURCE / "tmp/fiso-flow-wasmer"
FISO_WASMER = SOURCE / "tmp/fiso-wasmer"
FISO = SOURCE / "tmp/fiso"
WASMER_HOST = SOURCE / "tmp/fiso-wasmer-host"
GUESTS = SOURCE / "build/release/guests"
WORK = SOURCE / "build/bench"
CACHE = WORK / "cache"
STARTING = 60  # seconds; a module that is not in the cache yet is compiled in that time

NGINX_CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  server_tokens off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  {upstream}
  server {{
    listen 127.0.0.1:{port} {tls} backlog=1024;
    {certificate}
    location / {{ {location} }}
  }}
}}
"""
RETURN_200 = "return 200;"
UPSTREAM = "upstream backend {{ server {address}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 1h; }}"
PROXY_PASS = 'proxy_pass {scheme}://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
SERVE_TLS = "ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_protocols TLSv1.3;"
VERIFY_TLS = "proxy_ssl_verify on; proxy_ssl_trusted_certificate {pem}; proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;"


class ReservedPort:
    """A free port that nobody else is given, while a server with SO_REUSEADDR may listen on it."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A running server: its directory, port and process, and the path that is asked for. A context manager."""

    entry = "/"

    def __init__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=WORK, prefix="run-"))
        self.reserved = ReservedPort()
        self.port = self.reserved.number
        self.process = None

    def url(self):
        return f"http://{self.address()}{self.entry}"

    def address(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.stop()
        self.reserved.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Nginx(Server):
    """Answers 200, or passes everything on to what listens at `backend`. `certificate`: it serves TLS, or its backend does."""

    def __init__(self, backend=None, core=machine.SERVER_CORE, certificate=None):
        super().__init__()
        upstream, location, tls, own = "", RETURN_200, "", ""
        if backend is not None:
            upstream = UPSTREAM.format(address=backend)
            location = PROXY_PASS.format(scheme="https" if certificate else "http")
            location += VERIFY_TLS.format(pem=certificate) if certificate else ""
        elif certificate:
            tls, own = "ssl", SERVE_TLS.format(pem=certificate)
        config = self.directory / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(port=self.port, upstream=upstream, location=location, tls=tls, certificate=own))
        self.process = Process(["nginx", "-p", str(self.directory), "-e", "stderr", "-c", str(config)], core, self.directory / "log")

    def wait_ready(self):
        wait_until("nginx listens", lambda: is_listening(self.port), self.process)
        return self


def wasm(guest, **settings):
    """An interceptor."""
    return {"type": "wasm", "config": {"module": str(GUESTS / f"{guest}.wasm"), **settings}}


def flow(port, interceptors=(), sink=None, path="/"):
    """A flow file: YAML, since JSON is."""
    return {"name": "bench" + path.replace("/", "-"), "source": {"type": "http", "config": {"listenAddr": f"127.0.0.1:{port}", "path": path}},
            "interceptors": list(interceptors), "sink": sink or {"type": "discard"}}


def http_sink(backend):
    return {"type": "http", "config": {"url": backend.url()}}


class FisoServer(Server):
    """One of ours, which says on its admin port when it is ready."""

    def __init__(self):
        super().__init__()
        self._admin = ReservedPort()

    def wait_ready(self):
        wait_until("the server is ready", self._is_ready, self.process, STARTING)
        return self

    def _get(self, path):
        with Client(self._admin.number, timeout=STARTING) as client:
            return client.get(path)

    def _is_ready(self):
        return is_listening(self._admin.number) and self._get("/readyz").status == 200

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self._admin.close()


class Flow(FisoServer):
    """fiso-flow, one shard, logging warnings. `paths`: what the flow of each path has besides (arguments of flow())."""

    def __init__(self, paths, settings=None, wrapper=(), program=FISO_FLOW, cache=CACHE):
        super().__init__()
        for number, (path, parts) in enumerate(paths.items()):
            (self.directory / f"{number}.yaml").write_text(json.dumps(flow(self.port, path=path, **parts)))
        (self.directory / "fiso.yaml").write_text(json.dumps({"shards": 1, **(settings or {})}))
        env = {**os.environ, "FISO_CACHE_DIR": str(cache), "FISO_METRICS_ADDR": f"127.0.0.1:{self._admin.number}"}
        self.process = Process([*wrapper, str(program), "-config-dir", str(self.directory), "-log-level", "warn"], machine.SERVER_CORE,
                               self.directory / "log", env)


    def delivered(self):
        """Events that their sinks have taken."""
        return sum(int(float(value)) for value in
                   re.findall(r'^fiso_flow_events_total\{[^}]*status="delivered"[^}]*\} (\S+)$', self._get("/metrics").text(), re.M))


class Link(FisoServer):
    """fiso-link, one shard, logging warnings, with one target, `backend`: a port of 127.0.0.1."""

    entry = "/link/bench/"

    def __init__(self, backend_port, settings=None, wrapper=(), program=FISO_LINK, **target):
        super().__init__()
        target = {"name": "bench", "protocol": "http", "host": "localhost", "port": backend_port, **target}
        file = self.directory / "link.yaml"
        file.write_text(json.dumps({"listenAddr": f"127.0.0.1:{self.port}", "metricsAddr": f"127.0.0.1:{self._admin.number}", "shards": 1,
                                    "targets": [target], **(settings or {})}))
        env = {**os.environ, "FISO_CACHE_DIR": str(CACHE), "BENCH_TOKEN": "a-token-of-the-usual-length-0123456789"}
        self.process = Process([*wrapper, str(program), "-config", str(file), "-log-level", "warn"], machine.SERVER_CORE,
                               self.directory / "log", env)


class Apps(FisoServer):
    """fiso-wasmer, one shard, logging warnings, with `count` apps alike; requests go to the first."""

    def __init__(self, guest, entry="/", count=1, core=machine.SERVER_CORE, **settings):
        super().__init__()
        self.entry = entry
        app = {"module": str(GUESTS / f"{guest}.wasm"), "memoryMB": 64, **settings}
        apps = [{"name": f"bench-{number}", "port": 0 if number else self.port, **app} for number in range(count)]
        file = self.directory / "apps.yaml"
        file.write_text(json.dumps({"shards": 1, "apps": apps}))
        self.process = Process([str(FISO_WASMER), "-config", str(file), "-admin-addr", f"127.0.0.1:{self._admin.number}", "-log-level", "warn"],
                               core, self.directory / "log", {**os.environ, "FISO_CACHE_DIR": str(CACHE)})

    def workers(self):
        """Its worker processes: of each app the guest that lives on, or the fork server."""
        return machine.children(self.process.pid)


def check_built():
    needed = [FISO_FLOW, FISO, GUESTS / "passthrough.wasm", GUESTS / "passthrough_go.wasm"]
    if missing := [path.name for path in needed if not path.exists()]:
        raise BenchError(f"not built: {', '.join(missing)}; run make build")
    if missing := [name for name in ("nginx", "wrk") if shutil.which(name) is None]:
        raise BenchError(f"not installed: {', '.join(missing)}; run make setup")


def certificate():
    """Key and certificate of `localhost` in one file, which is made once."""
    file = WORK / "localhost.pem"
    if not file.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", file, "-out", f"{file}.crt"],
                       check=True, capture_output=True)
        file.write_bytes(file.read_bytes() + pathlib.Path(f"{file}.crt").read_bytes())
    return file


def fill_cache(*guests, runtime="wazero"):
    """Compiles ahead, so that no measurement waits for a compiler."""
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run([FISO, "module", "compile", "--runtime", runtime, *(GUESTS / f"{guest}.wasm" for guest in guests)], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "FISO_CACHE_DIR": str(CACHE)})
