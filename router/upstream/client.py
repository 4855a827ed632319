"""What the house knows of a connection to a deployment: bytes out, a status and bytes back, failures by name."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import Literal, Protocol

__all__ = ["TRACEPARENT", "Given", "Kind", "Streamed", "Transport", "TransportError", "Whole"]

TRACEPARENT: ContextVar[bytes] = ContextVar("traceparent", default=b"")
"""The W3C header of calls that are made from here; empty while nobody traces."""

Kind = Literal["connect", "reset", "timeout", "malformed"]


class TransportError(Exception):
    """No usable answer came back. `kind` says why, and becomes a metric's label."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Whole(Protocol):
    """An answer that has arrived."""

    @property
    def status(self) -> int:
        """Its status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of its headers that we read: names in lower case, values of one that was repeated joined by commas."""

    @property
    def content(self) -> bytes:
        """Its body."""


class Streamed(Protocol):
    """An answer that is arriving: its head is here, its body comes in chunks as the network delivers them."""

    @property
    def status(self) -> int:
        """Its status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, as a whole answer's."""

    async def more(self, within: float) -> bytes:
        """Wait for more of the body, so many seconds; empty at its end.

        Raises:
            TransportError: it was cut short, or nothing came in time (`timeout`).
        """

    async def aclose(self) -> None:
        """End it; the upstream sees its connection close when the body has not ended."""


class Given:
    """The body of an answer that somebody gives who knows no deadline."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def more(self, within: float) -> bytes:
        """Wait for more of the body, as `Streamed.more`."""
        try:
            async with asyncio.timeout(within):
                return await anext(self._chunks, b"")
        except TimeoutError as error:
            raise TransportError("timeout", f"nothing came within {within:g} s") from error


class Transport(Protocol):
    """One deployment's address, key and connections. Cancelling a call closes its connection."""

    async def whole(self, body: bytes, *, within: float) -> Whole:
        """Send a request, wait for its whole answer, `within` seconds. Raises TransportError."""

    async def streamed(self, body: bytes, *, within: float) -> Streamed:
        """Send a request, wait for the head of its answer, `within` seconds. Raises TransportError."""

    async def embedded(self, body: bytes, *, within: float) -> Whole:
        """Ask for embeddings as `whole` asks for a completion. Raises TransportError."""

    async def aclose(self) -> None:
        """Close every connection."""
