"""Sockets, signals, start and stop: one process that serves one policy."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
import uvloop
from typing_extensions import override

from router.log import AccessLog, say
from router.server.app import App
from router.server.heads import BoundedHeads
from router.server.service import CannotServe, Service
from router.settings import Settings

__all__ = ["running", "serve"]

GRACE = 30
"""Seconds that streams get to finish when the server is told to stop."""
_BACKLOG = 4096
_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients (5) and load balancers (60) keep theirs, so that they
are the ones who close it, and no request meets a connection that is just closing."""
_YOUNG = 20_000
"""Objects that may come into being, and not go, until the collector looks."""
_TICK = 0.1
"""Seconds between two looks at the clock, for the Date header."""


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


def serve(path: Path, settings: Settings, host: str, port: int) -> None:
    """Serve a policy until SIGTERM or SIGINT; SIGHUP reads the policy again.

    Raises:
        CannotServe: the policy cannot be used, or the address cannot be listened on.
    """
    log = AccessLog(sys.stdout.fileno()) if settings.log == "json" else None
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(Service(path, settings, log=log), host, port))
    finally:
        if log is not None:
            log.close()


async def _serve(service: Service, host: str, port: int) -> None:
    service.may_listen_on(host)
    listening = _listen(host, port)
    server = _Server(_config(service))
    reloads: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.ensure_future(service.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    def stop() -> None:
        service.stopping = True
        server.stop()

    await service.begin()
    watching = asyncio.create_task(service.watch()) if service.watches else None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    for told in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(told, stop)
    _settle()
    say(f"policy {service.pipeline.plan.version} at {_url(host, listening)}")
    try:
        await server.serve(sockets=[listening])
    finally:
        if watching is not None:
            watching.cancel()
        await service.aclose()


def _settle() -> None:
    """Let the collector pass over what stays for good: looking at it again and again took a tenth of every request.

    Requests leave no circles behind (a test counts them), so it needs to look at what is young only rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


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
        http=BoundedHeads,
        loop="none",
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
    )


def _url(host: str, listening: socket.socket) -> str:
    """What clients take as their `base_url`."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/v1"


def _listen(host: str, port: int) -> socket.socket:
    """Open the port before anything else starts, so that a port that is taken is told in one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise CannotServe(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listening.listen(_BACKLOG)
    listening.setblocking(False)  # noqa: FBT003  as the socket module has it
    return listening
