"""What the house knows of a connection to a deployment: bytes out, a status and bytes back, failures by name."""

from collections.abc import AsyncIterator, Mapping
from typing import Literal, Protocol

__all__ = ["Kind", "Streamed", "Transport", "TransportError", "Whole"]

Kind = Literal["connect", "reset", "timeout", "malformed"]


class TransportError(Exception):
    """No usable answer came back. `kind` says why, and becomes a metric's label."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Whole(Protocol):
    """An answer that has arrived."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes


class Streamed(Protocol):
    """An answer that is arriving: its head is here, its body comes in chunks as the network delivers them."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes. Raises TransportError when it is cut short."""

    async def aclose(self) -> None:
        """End it; the upstream sees its connection close when the body has not ended."""


class Transport(Protocol):
    """One deployment's address, key and connections. Cancelling a call closes its connection."""

    async def whole(self, body: bytes) -> Whole:
        """Send a request, wait for its whole answer. Raises TransportError."""

    async def streamed(self, body: bytes) -> Streamed:
        """Send a request, wait for the head of its answer. Raises TransportError."""

    async def aclose(self) -> None:
        """Close every connection."""
