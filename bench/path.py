"""A request's whole way through the proxy, counted: from its bytes on one socket to the answer's bytes on it.

The proxy serves on this thread, as it does in production (uvloop, its own HTTP protocol, real sockets); the client and
the mock deployment are on threads of their own, which are not counted. Nor are those that write the access log and the
records.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import workload
from bench.counting import Count, counted
from bench.upstream import Upstream
from router.log import AccessLog
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

__all__ = ["CASES", "Client", "measure"]

_numbers = count(1)

CASES: dict[str, Callable[[], bytes]] = {
    "miss": lambda: workload.request(next(_numbers)),
    "hit": lambda: workload.request(0),
    "sampled": lambda: workload.request(next(_numbers), temperature=1),
    "stream": lambda: workload.request(next(_numbers), stream=True),
    "stream hit": lambda: workload.request(0, stream=True),
    "10 KB": lambda: workload.request(next(_numbers), size=10_240),
}
"""Requests by what becomes of them: looked for in the cache and not found, found, not looked for; whole or streamed."""
_WARM, _TIMES = 12, 15


class Client:
    """One connection of a client that waits for each answer."""

    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for the whole answer."""
        self._socket.sendall(request)
        heard = self._socket.recv(65536)
        head, _, rest = heard.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), heard
        if b"transfer-encoding: chunked" in head.lower():
            while not rest.endswith(b"0\r\n\r\n"):
                rest += self._socket.recv(65536)
            return rest
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(rest) < length:
            rest += self._socket.recv(65536)
        return rest

    def begin(self, request: bytes) -> None:
        """Send a request whose answer is a stream, and wait for its first event."""
        self._socket.sendall(request)
        heard = b""
        while b"data: " not in heard:
            heard += self._socket.recv(65536)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def measure(
    case: str,
    *,
    cache: str = "memory://",
    changed: Callable[[Path], Mapping[str, Any]] = lambda _folder: {},
    before: Callable[[str], Iterable[Client]] = lambda _address: (),
) -> Count:
    """Count one request of a case: the least of several, as what the proxy does besides happens only now and then.

    `changed` gives changes to the policy that is in a folder, `before` is called with the proxy's address before
    anything is counted; the clients that it returns stay until the end.
    """
    with TemporaryDirectory() as folder, Upstream() as upstream, _sink() as descriptor:
        path = workload.write(Path(folder), upstream.base_url, cache, **changed(Path(folder)))
        return uvloop.run(_measured(path, CASES[case], before, descriptor))


async def _measured(
    path: Path, request: Callable[[], bytes], before: Callable[[str], Iterable[Client]], descriptor: int
) -> Count:
    log = AccessLog(descriptor)
    service = Service(path, Settings(environment=os.environ), log=log)
    loop = asyncio.get_running_loop()
    async with running(service) as address:
        client = await loop.run_in_executor(None, Client, address)
        kept = await loop.run_in_executor(None, before, address)

        async def once(*, instructions: bool, asking: Callable[[], object]) -> Count:
            with counted(instructions=instructions) as found:
                await loop.run_in_executor(None, asking)
                service.books.settle()  # what a request leaves to be written down in a moment is its own, too
            return found

        async def least(*, instructions: bool, asking: Callable[[], object]) -> Count:
            counts = [await once(instructions=instructions, asking=asking) for _ in range(_TIMES)]
            return min(counts, key=lambda found: found.instructions + found.calls + found.c_calls)

        for _ in range(_WARM):
            said = await loop.run_in_executor(None, client.ask, request())
            assert b"[DONE]" in said or b"word" in said, said
        nothing = [await least(instructions=each, asking=int) for each in (False, True)]
        something = [await least(instructions=each, asking=lambda: client.ask(request())) for each in (False, True)]
        for one in (client, *kept):
            one.close()
    log.close()
    return Count(
        something[0].calls - nothing[0].calls,
        something[0].c_calls - nothing[0].c_calls,
        something[1].instructions - nothing[1].instructions,
    )


@contextmanager
def _sink() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
