"""The machine: which core serves and which one loads, what it is, and what the kernel knows about a process."""
import os
import pathlib
import platform
import re
import subprocess

_cores = sorted(os.sched_getaffinity(0))
SERVER_CORE = _cores[0]
LOAD_CORE = _cores[-1]


def only_one_core():
    return SERVER_CORE == LOAD_CORE


def pin_self(core):
    """This thread, and what it starts from now on."""
    os.sched_setaffinity(0, {core})


def cpu_ns(pid):
    """CPU time of all threads of a process, in nanoseconds: the scheduler's account, not the 10 ms ticks of utime and stime."""
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def rss_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def map_count(pid):
    return len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())


def fd_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0]


def describe():
    """What a reader needs to judge the figures; nothing that names this one machine."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(_cores),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": re.match(r"[\d.]+", platform.release())[0],
        "nginx": _first_line(["nginx", "-v"]).removeprefix("nginx version: "),
        "wrk": " ".join(_first_line(["wrk", "-v"]).split()[:2]),
        "load_average": round(os.getloadavg()[0], 2),
    }
