"""A client that shows everything: one HTTP/1.1 exchange over a socket, as it went over the wire."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Heard", "Talk", "talk"]

PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer; header names in lower case, chunks put together."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True
    """Whether the body came to its proper end."""


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Heard:
        """Send a request and read the answer to its end."""
        self.send(method, path, headers, body)
        status, heads = await self.head()
        if heads.get("transfer-encoding") == "chunked":
            pieces = [piece async for piece in self.chunks()]
            complete = bool(pieces) and pieces[-1] == b""
            return Heard(status, heads, b"".join(pieces), complete)
        return Heard(status, heads, await self._reader.readexactly(int(heads.get("content-length", 0))))

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send a request; `transfer-encoding: chunked` sends its body in two chunks."""
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if headers.get("transfer-encoding") == "chunked":
            half = len(body) // 2
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:])) + b"0\r\n\r\n"
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read the status and the headers."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in pairs}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read the chunks of a body; the last is empty when the body came to its proper end."""
        try:
            while True:
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                piece = await self._reader.readexactly(size)
                await self._reader.readexactly(2)
                yield piece
                if not piece:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def closed(self) -> bool:
        """Whether the server has hung up, which is waited for; it may not say anything before that."""
        try:
            return await self._reader.read(1) == b""
        except ConnectionError:
            return True

    def hang_up(self) -> None:
        """Leave, whatever is on its way."""
        self._writer.transport.abort()


@asynccontextmanager
async def talk(base_url: str) -> AsyncIterator[Talk]:
    """Connect to a server; raises TimeoutError when everything together takes too long."""
    address = urlsplit(base_url)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            yield Talk(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
