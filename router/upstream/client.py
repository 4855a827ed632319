"""What the house knows of a connection to a deployment: bytes out, a status and bytes back, failures by name."""

from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import Literal, Protocol

__all__ = ["TRACEPARENT", "Kind", "Streamed", "Transport", "TransportError", "Whole"]

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
        """Its headers: names in lower case, values of a name that was repeated joined by commas."""

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

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes. Raises TransportError when it is cut short."""

    async def aclose(self) -> None:
        """End it; the upstream sees its connection close when the body has not ended."""


class Transport(Protocol):
    """One deployment's address, key and connections. Cancelling a call closes its connection."""

    async def whole(self, body: bytes, *, within: float) -> Whole:
        """Send a request, wait for its whole answer, `within` seconds. Raises TransportError."""

    async def streamed(self, body: bytes) -> Streamed:
        """Send a request, wait for the head of its answer. Raises TransportError."""

    async def aclose(self) -> None:
        """Close every connection."""
