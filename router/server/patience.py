"""How long we wait for a client: for the rest of its request, and for it to take its answer.

Who sends a byte a second, or reads nothing of what was asked for, keeps a connection and memory that others need.
"""

import asyncio
from typing import ClassVar

from typing_extensions import override

from router.errors import RequestTimedOut
from router.server.heads import BoundedHeads

__all__ = ["Patient"]

_REFUSAL = (
    b"HTTP/1.1 408 Request Timeout\r\n"
    b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
)


class Patient(BoundedHeads):
    """Uvicorn's protocol, which hangs up on a client that has kept it waiting for too long.

    Nothing of it is in the way of a request that comes in one piece and an answer that is taken: no timer is set.
    """

    patience: ClassVar[float] = 60.0
    """Seconds for a request to arrive, and for a client that takes nothing of its answer."""
    rate: ClassVar[float] = 4096.0
    """Bytes for each of which a request gets a second more."""

    _arriving: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _since = 0.0
    _got = 0
    _begun = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._taken()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        super().data_received(data)
        if self._waits:
            if self._arriving is None and not self.transport.is_closing():
                self._expect(len(data))
        elif self._arriving is not None:
            self._arrived()

    @override
    def on_headers_complete(self) -> None:
        self._begun = True
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._offer()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._offer()

    @override
    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    @property
    def _waits(self) -> bool:
        """Whether more of a request has to come."""
        if not self._begun or self.cycle is None:  # uvicorn makes none of what asks to be connected through
            return True
        return self._quiet > 0 if self.cycle.response_complete else self.cycle.more_body

    @property
    def _left(self) -> float:
        """Seconds that the request has left to arrive."""
        return self._since + self.patience + self._got / self.rate - self.loop.time()

    def _expect(self, got: int = 0) -> None:
        """Begin to wait for a request, or for the rest of one."""
        self._since, self._got = self.loop.time(), got
        self._arriving = self.loop.call_later(self.patience, self._late)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _late(self) -> None:
        """Hang up, unless so much has come meanwhile that the rest is worth waiting for."""
        if (left := self._left) > 0:
            self._arriving = self.loop.call_later(left, self._late)
            return
        self._arriving = None
        answered = self._begun and not self.cycle.response_complete and self.cycle.response_started
        if self._got and not answered:
            told = RequestTimedOut(f"no whole request within {self.patience:.0f} s; send it faster, or less").body()
            self.transport.write(_REFUSAL % (len(told), told))
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._offer()

    def _offer(self) -> None:
        """Begin to wait for an answer to be taken."""
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.patience, self.transport.abort)

    def _taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
