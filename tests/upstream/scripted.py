"""A deployment that says exactly what a test wants, byte for byte, and notices exactly when its client leaves."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Guest", "Scripted", "scripted"]

LONGEST = 10.0
"""Seconds after which a test that waits for something has failed."""


class Guest:
    """One connection that somebody made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = ""

    async def request(self) -> bytes:
        """Read a request's head, and give its body."""
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        return await self.reader.readexactly(self.length)

    @property
    def length(self) -> int:
        """How long the request says that its body is."""
        said = re.search(r"\r\ncontent-length: (\d+)\r\n", self.head)
        assert said
        return int(said[1])

    async def say(self, *parts: bytes) -> None:
        """Send this much of an answer."""
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the other side has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        """Close it politely."""
        self.writer.close()

    def hang_up(self) -> None:
        """Close it this instant, before the event loop goes round."""
        sock = socket.socket(fileno=socket.dup(self.writer.get_extra_info("socket").fileno()))
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()

    def reset(self) -> None:
        """Tear it down."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Scripted:
    """Where it is, and who has come."""

    def __init__(self) -> None:
        self.port = 0
        self.guests: list[Guest] = []
        self._new: asyncio.Queue[Guest] = asyncio.Queue()

    @property
    def url(self) -> str:
        """Where a request can be posted."""
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    async def guest(self) -> Guest:
        """Wait for the next connection."""
        return await self._new.get()

    async def came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Welcome one."""
        self.guests.append(guest := Guest(reader, writer))
        self._new.put_nowait(guest)


@asynccontextmanager
async def scripted(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Scripted]:
    """Open one for the length of a test."""
    self = Scripted()
    server = await asyncio.start_server(self.came, host, port, ssl=tls)
    self.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(LONGEST):
            yield self
    finally:
        server.close()
        for guest in self.guests:
            guest.writer.transport.abort()
        for guest in self.guests:
            await asyncio.gather(guest.writer.wait_closed(), return_exceptions=True)
