"""Sockets, signals, start and stop: one process that serves one policy."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from typing_extensions import override

from router.clock import SYSTEM
from router.log import AccessLog, say
from router.server.app import App
from router.server.patience import Patient
from router.server.reading import CannotServe, embedded, guard, read_policy
from router.server.service import Service
from router.server.workers import ALONE, Supervisor, Worker
from router.settings import Settings

__all__ = ["Endpoint", "running", "serve", "several"]

_BACKLOG = 4096
_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients (5) and load balancers (60) keep theirs, so that they
are the ones who close it, and no request meets a connection that is just closing."""
_LOOKS = (5_000, 1, 100)
"""So many objects may come into being, and not go, until the collector looks at them; every other time it looks at what
the look before has left too. Either takes 1 to 2 ms. At all that is not frozen, which takes longer, it looks after a
hundred such pairs, if there is a quarter more of it by then: after some 700,000 requests of 50 clients at once."""
_TURN = 0.0005
"""Seconds for which a thread beside the loop, one that reads a policy, may go on while the loop wants to. With Python's
own 5 ms a reload held the loop up for 46 ms, with these for 8 (`python -m bench.pauses`, on a busy machine)."""
_TICK = 0.1
"""Seconds between two looks at the clock, for the Date header."""
_SHOWN = 1.0
"""Seconds after which workers see each other's gauges."""


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it is ready, stops at once when told, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._told = asyncio.Event()

    def stop(self) -> None:
        """Stop accepting, let streams finish, end; told again, do not wait for them."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._told.set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for listening in (*self.servers, *(sockets or ())):  # nobody is here: no reason to wait for anybody
            listening.close()

    @override
    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._told.wait()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(path: Path, settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Serve a policy until SIGTERM or SIGINT; SIGHUP reads the policy again.

    Raises:
        CannotServe: the policy cannot be used, or the address cannot be listened on.
    """
    if workers == 1:
        _work(path, settings, host, port, ALONE)
        return
    read = read_policy(path, settings, SYSTEM.wall())  # faults are told once, and what was read is shared
    guard(read.keyring, host)
    if not read.shares:
        raise CannotServe(
            f"--workers {workers}: several workers share what they learn and remember through Redis, and this policy's "
            "cache.url is memory://; write redis://HOST:6379/0, or embedded://"
        )
    with embedded(read.policy):
        several(Endpoint(path, settings, host, port), read.plan.version, workers)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is served where."""

    path: Path
    settings: Settings
    host: str = "127.0.0.1"
    port: int = 0


def several(end: Endpoint, version: str, workers: int) -> None:
    """Serve with so many workers; `version` is that of the policy they will read.

    Raises:
        CannotServe: the address cannot be listened on.
    """
    _listen(end.host, end.port).close()  # the kernel would let us in beside other workers of ours
    with _bound(end.host, end.port, shared=True) as held:
        url, port = _url(end.host, held), held.getsockname()[1]
        Supervisor(
            workers,
            lambda worker: _work(end.path, end.settings, end.host, port, worker),
            ready=lambda: say(f"policy {version} at {url}, {workers} workers"),
            drain=end.settings.drain,
        ).run()


def _work(path: Path, settings: Settings, host: str, port: int, worker: Worker) -> None:
    """Serve, alone or as one of several."""
    log = AccessLog(sys.stdout.fileno(), writers=worker.count) if settings.log == "json" else None
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(Service(path, settings, log=log, worker=worker), host, port, worker))
    finally:
        if log is not None:
            log.close()


async def _serve(service: Service, host: str, port: int, worker: Worker) -> None:
    service.may_listen_on(host)
    listening = _listen(host, port, shared=worker.count > 1)
    server = _Server(_config(service))
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.ensure_future(service.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    def stop() -> None:
        service.stopping = True
        server.stop()

    await service.begin()
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGTERM, stop)
    _settle()
    if worker.orphaned is None:
        loop.add_signal_handler(signal.SIGINT, stop)
        say(f"policy {service.pipeline.plan.version} at {_url(host, listening)}")
    else:  # whose supervisor hears a terminal's SIGINT, and tells it
        loop.add_reader(worker.orphaned, _once, loop, worker.orphaned, stop)
        worker.ready()
    beside = [service.watch()] if service.watches else []
    if worker.count > 1:
        beside.append(service.show(_SHOWN))
    try:
        async with _beside(beside):
            await server.serve(sockets=[listening])
    finally:
        await service.aclose()


def _once(loop: asyncio.AbstractEventLoop, descriptor: int, told: Callable[[], None]) -> None:
    """Hear of a descriptor that can be read for ever from now on."""
    loop.remove_reader(descriptor)
    told()


@contextlib.asynccontextmanager
async def _beside(works: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let these go on for as long as requests are served."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


def _settle() -> None:
    """Let the collector pass over what stays for good: looking at it again and again took a tenth of every request.

    Requests leave no circles behind (a test counts them), so it needs to look at what is young only rarely. And let
    threads beside the loop have shorter turns: it waits for the end of one whenever it wakes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_LOOKS)
    sys.setswitchinterval(_TURN)


@contextlib.asynccontextmanager
async def running(service: Service, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve inside a program that does other things too; gives the address that goes into `base_url`."""
    listening = _listen(host, port)
    await service.begin()
    server = _Server(_config(service))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await server.ready.wait()
    try:
        yield _url(host, listening)
    finally:
        server.stop()
        await task
        await service.aclose()


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        App(service),
        http=Patient,
        loop="none",
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=service.drain,
        timeout_keep_alive=_KEEP_ALIVE,
    )


def _url(host: str, listening: socket.socket) -> str:
    """What clients take as their `base_url`."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/v1"


def _listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Open the port before anything else starts, so that a port that is taken is told in one line."""
    listening = _bound(host, port, shared=shared)
    listening.listen(_BACKLOG)
    return listening


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Take the port, alone or shared with other processes of ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise CannotServe(f"cannot listen on {host}:{port}: {error.strerror}") from error
    bound.setblocking(False)  # noqa: FBT003  as the socket module has it
    return bound
