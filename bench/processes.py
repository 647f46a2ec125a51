"""Processes that the harness starts: each in a group of its own, on a given core, and gone when the harness is.

Not thread-safe: the main thread starts and ends them.
"""
import atexit
import os
import signal
import subprocess
import sys
import time

import machine

STOP_SECONDS = 5
_running = []


class BenchError(Exception):
    """The measurement is not one: something did not start, or did not answer as it must."""


class Process:
    """One child. Its output goes to `log`, which `tail()` shows."""

    def __init__(self, argv, core, log, env=None):
        self.log = log
        # A child inherits the core of the thread that starts it: nothing but the program itself is between exec and its work.
        machine.pin_self(core)
        try:
            with open(log, "ab") as output:
                self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, process_group=0)
            _running.append(self)
        finally:
            machine.pin_self(machine.LOAD_CORE)

    @property
    def pid(self):
        return self._child.pid

    def has_ended(self):
        return self._child.poll() is not None

    def output_at_end(self, seconds):
        """All output of a process that ends by itself."""
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"has not ended within {seconds} s:\n{self.tail()}") from error
        return self.log.read_text(errors="replace")

    def tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def stop(self, seconds=STOP_SECONDS):
        """As its operator would stop it; what is then left of its group is killed."""
        try:
            if not self.has_ended():
                self._child.terminate()
                self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait()
        if self in _running:
            _running.remove(self)


def wait_until(what, condition, process, seconds=30, pause=0.002):
    """Polls until `condition()` is true, while the process lives."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.has_ended():
            raise BenchError(f"{what}: the process has ended:\n{process.tail()}")
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds} s:\n{process.tail()}")
        time.sleep(pause)


def _end_all():
    for process in list(_running):
        process.kill()


def end_with_us():
    """From now on no child outlives the harness, whether it returns, fails or is told to stop."""
    atexit.register(_end_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
