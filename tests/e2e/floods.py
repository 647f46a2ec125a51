"""What the tests of floods share: good traffic that must not notice, and the memory of the process that must not grow with them."""
import contextlib

from harness import most_memory, poll
from load import Load
from raw_peers import Upstream, echo

KIB, MIB = 1 << 10, 1 << 20
ENOUGH = 40  # good answers between two looks


class Good:
    """Good requests over connections that were there before, all answered 200 while the block runs; the process grows by less than `most`
    bytes."""

    def __init__(self, case, server, port, path, most):
        self._case, self._server, self._most = case, server, most
        self._load = Load(port, path)
        case.addCleanup(self._load.stop)
        self.wait()
        self._before = most_memory(server.process)

    def wait(self, count=ENOUGH):
        """Until so many more have been answered: what came before them has been looked at."""
        expected = self._load.answered + count

        def come():
            self._server.check_alive("good answers")
            return self._load.answered >= expected or self._load.cut
        poll("good answers", come)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        self.wait()
        self._load.stop()
        self._case.assertEqual((self._load.cut, list(self._load.statuses)), ([], [200]))
        self._case.assertLess(most_memory(self._server.process) - self._before, self._most)


def press(peer, data, times, good):
    """Sends it again and again, and reads nothing, until the other side has as good as stopped to take it; how much it took."""
    peer.socket.setblocking(False)
    taken = before = pauses = 0
    rest = b""
    while taken < times * len(data) and pauses < 10:
        rest = rest or data
        try:
            sent = peer.socket.send(rest)
        except BlockingIOError:
            good.wait()
            pauses, before = 0 if taken - before >= len(data) else pauses + 1, taken
            continue
        except OSError:
            break
        rest, taken = rest[sent:], taken + sent
    return taken


def big_or_echo(asked):
    """/big/N is N bytes, as far as somebody takes them."""
    if not asked.path.startswith("/big/"):
        return echo(asked)
    asked.body()
    left = int(asked.path[5:])
    asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    block = bytes(64 * KIB)
    with contextlib.suppress(OSError):
        while left > 0:
            asked.send(block[:left])
            left -= len(block)
    return left > 0


class Subject:
    """A running program, and where it takes good requests."""

    def __init__(self, server, path, upstream=None):
        self.server, self.path, self.upstream = server, path, upstream
        self.port = server.port()


def link_subject(case, keys="", more=""):
    upstream = case.closing(Upstream(big_or_echo))
    return Subject(case.link(("api", upstream.port, keys), more=more), "/link/api/good", upstream)
