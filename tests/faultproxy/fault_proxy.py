#!/usr/bin/env python3
"""A TCP proxy that does what networks and dying peers do: latency, jitter, slow bytes, cuts, resets, half closes, silence, garbage.

By hand, between a client and 127.0.0.1:8080, with the answers cut off after 100 bytes:

  fault_proxy.py --to 127.0.0.1:8080 --listen 127.0.0.1:9000 --down cut=100

In a test, where faults may be others for each connection:

  proxy = FaultProxy(port)
  proxy.faults = lambda number: Faults(down=Leg(reset=0)) if number < 2 else Faults()

`up` is what the client says, `down` what the target does. latency, jitter: seconds before each piece is passed on; rate: bytes a second;
slice: pieces of at most so many bytes; cut, reset, half_close, stall, garbage: once so many bytes have passed.
"""
import argparse
import asyncio
import contextlib
import dataclasses
import random
import socket
import struct
import threading

PIECE = 16 << 10


@dataclasses.dataclass
class Leg:
    """One direction. Times in seconds; `cut`, `reset`, `half_close`, `stall` and `garbage` are the bytes that pass before it."""
    latency: float = 0.0            # before each piece is passed on
    jitter: float = 0.0             # up to so much more, at random
    rate: float | None = None       # bytes a second
    slice: int | None = None        # pieces of at most so many bytes
    cut: int | None = None          # both directions are closed, with what was passed on delivered
    reset: int | None = None        # both ends get an RST
    half_close: int | None = None   # this direction ends, the other goes on
    stall: int | None = None        # nothing more passes, and nothing ends
    garbage: int | None = None      # bytes at random in place of what follows


@dataclasses.dataclass
class Faults:
    up: Leg = dataclasses.field(default_factory=Leg)
    down: Leg = dataclasses.field(default_factory=Leg)


class _End(Exception):
    """The connection ends here."""

    def __init__(self, with_reset):
        super().__init__()
        self.with_reset = with_reset


def _reset(writer):
    """Its transport is gone, and the other side gets an RST."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Passage:
    """One direction of one connection."""

    def __init__(self, leg, chance):
        self._leg = leg
        self._random = chance
        self._passed = 0

    async def run(self, reader, writer):
        while await self._goes_on():  # which may need no byte at all
            piece = await reader.read(self._room())
            if not piece:
                break
            await self._pass(piece, writer)
        if writer.can_write_eof():
            writer.write_eof()

    def _reached(self, mark):
        return mark is not None and self._passed >= mark

    async def _goes_on(self):
        leg = self._leg
        if self._reached(leg.stall):
            await asyncio.Event().wait()
        if self._reached(leg.cut) or self._reached(leg.reset):
            raise _End(with_reset=self._reached(leg.reset))
        return not self._reached(leg.half_close)

    def _room(self):
        """Up to the next mark."""
        leg = self._leg
        marks = [mark for mark in (leg.cut, leg.reset, leg.half_close, leg.stall, leg.garbage) if mark is not None and not self._reached(mark)]
        return min([PIECE, leg.slice or PIECE, *(mark - self._passed for mark in marks)])

    async def _pass(self, piece, writer):
        leg = self._leg
        if self._reached(leg.garbage):
            piece = self._random.randbytes(len(piece))
        pause = leg.latency + leg.jitter * self._random.random() + (len(piece) / leg.rate if leg.rate else 0)
        if pause > 0:
            await asyncio.sleep(pause)
        writer.write(piece)
        await writer.drain()
        self._passed += len(piece)


class FaultProxy:
    """Listens at once, on a thread of its own. `faults` is a Faults, or a function from a connection's number (from 0) to one; it may be
    changed at any time and concerns connections that begin later. The same `seed` makes the same garbage."""

    def __init__(self, port, host="127.0.0.1", faults=None, listen=("127.0.0.1", 0), seed=1):
        self.faults = faults or Faults()
        self.connections = 0
        self._target = (host, port)
        self._seed = seed
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._tasks = set()
        self._listener = socket.create_server(listen, backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._server = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()

    def cut_all(self):
        """Connections that there are end with an RST."""
        self._loop.call_soon_threadsafe(self._cut_all)

    def close(self):
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(10)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _cut_all(self):
        for writer in list(self._writers):
            _reset(writer)

    def _stop(self):
        self._server.close()
        self._cut_all()
        for task in self._tasks:
            task.cancel()
        self._loop.stop()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self._writers.add(writer)
        number, self.connections = self.connections, self.connections + 1
        faults = self.faults(number) if callable(self.faults) else self.faults
        try:
            await self._carry(reader, writer, faults, number)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)

    async def _carry(self, reader, writer, faults, number):
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        self._writers.add(target_writer)
        chance = random.Random(self._seed * 1_000_003 + number)
        passages = [asyncio.ensure_future(_Passage(faults.up, chance).run(reader, target_writer)),
                    asyncio.ensure_future(_Passage(faults.down, chance).run(target_reader, writer))]
        try:
            await asyncio.gather(*passages)
            await self._finish(writer, target_writer)
        except _End as end:
            if end.with_reset:
                _reset(writer)
                _reset(target_writer)
            else:
                await self._finish(writer, target_writer)
        except OSError:  # one side has gone, and the other is told the same way
            _reset(writer)
            _reset(target_writer)
        finally:
            for passage in passages:
                passage.cancel()
            self._writers.discard(target_writer)

    @staticmethod
    async def _finish(*writers):
        for writer in writers:
            with contextlib.suppress(OSError):
                writer.close()
                await writer.wait_closed()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def parse_leg(text):
    """`latency=0.1,cut=100`."""
    leg = Leg()
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in {field.name for field in dataclasses.fields(Leg)}:
            raise argparse.ArgumentTypeError(f"there is no fault {name!r}")
        try:
            setattr(leg, name, float(value) if name in ("latency", "jitter", "rate") else int(value))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{name}: {error}") from error
    return leg


def parse_address(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="faults: " + ", ".join(field.name for field in dataclasses.fields(Leg)))
    parser.add_argument("--to", type=parse_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--listen", type=parse_address, default=("127.0.0.1", 0), metavar="HOST:PORT", help="default 127.0.0.1:0, any free port")
    parser.add_argument("--up", type=parse_leg, default=Leg(), metavar="FAULTS", help="of what the client says: NAME=NUMBER,...")
    parser.add_argument("--down", type=parse_leg, default=Leg(), metavar="FAULTS", help="of what the target says")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N connections have the faults")
    parser.add_argument("--seed", type=int, default=1, help="of jitter and garbage")
    arguments = parser.parse_args()
    faults = Faults(arguments.up, arguments.down)
    plan = faults if arguments.first is None else lambda number: faults if number < arguments.first else Faults()
    with FaultProxy(arguments.to[1], arguments.to[0], plan, arguments.listen, arguments.seed) as proxy:
        print(f"listening on {arguments.listen[0]}:{proxy.port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
