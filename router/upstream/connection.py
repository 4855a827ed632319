"""One connection to a deployment: a request goes out, the answer to it comes in, and then perhaps another.

The parser is llhttp (through httptools): strict about what an answer is, and quick. What it finds is kept here until a
reader takes it; a reader that takes its time makes the connection stop reading, so that the upstream has to wait too.
"""

import asyncio
import fcntl
import math
import socket
import sys
import termios
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from typing_extensions import override

from router.alarm import Alarm
from router.upstream.client import Kind, TransportError

__all__ = ["Connection", "UndeliveredError"]

_LARGEST_HEAD = 64 * 1024
"""Bytes that may come without any of a body among them: an answer's head, its trailers, the sizes of its chunks."""
_MOST_QUEUED = 256 * 1024
"""Bytes of a streamed body that wait for their reader before the connection stops reading."""
_READ = {
    name.encode(): name
    for name in ("content-encoding", "content-length", "content-type", "retry-after", "transfer-encoding")
}
"""The headers of an answer that anybody here reads; deployments send twenty others."""
_LARGEST_COPY = 64 * 1024
"""Bytes of a request's body up to which one copy, and so one write, is cheaper than two writes."""
_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""Models think in silence for minutes, and firewalls forget silent connections: the kernel keeps them known.
(Linux says KEEPIDLE, macOS says KEEPALIVE.)"""


class UndeliveredError(TransportError):
    """The other side closed the connection before the request had reached it, so it cannot have acted on it."""


class _NotHttpError(Exception):
    """What the parser lets pass and we do not."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time: `ask`, read the answer, `rest`, and `ask` again if that said so.

    It is in `alive` for as long as it is open. Failing or cancelled, `ask` closes it; so must whoever stops reading.
    """

    __slots__ = (
        "_alive",
        "_asked",
        "_failure",
        "_head",
        "_heard",
        "_keep",
        "_late",
        "_loop",
        "_lost",
        "_most",
        "_parser",
        "_paused",
        "_peer",
        "_pieces",
        "_queued",
        "_quiet",
        "_size",
        "_transport",
        "_waiter",
        "_whole",
        "ended",
        "headers",
        "status",
    )

    def __init__(self, peer: str, alive: "set[Connection]") -> None:
        self._peer = peer
        self._alive = alive
        self._loop: asyncio.AbstractEventLoop
        self._transport: asyncio.Transport
        self._lost: asyncio.Future[None]
        self._late: Alarm
        self._parser: HttpResponseParser
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._paused = False
        self._asked = False

    @property
    def usable(self) -> bool:
        """Whether, as far as is known here, the other side is still there."""
        return not self._transport.is_closing()

    async def ask(self, head: bytes, body: bytes, *, largest: int | None = None, until: float = math.inf) -> None:
        """Send a request; wait for the head of its answer or, when `largest` bounds its body's bytes, for all of it.

        Raises:
            UndeliveredError: the connection was closed before the request had reached the other side.
            TransportError: it ended before the answer did (`reset`), what came is no answer (`malformed`), or it was
                not here at `until`, on the event loop's clock (`timeout`).
        """
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = self._head = self._heard = self._keep = False
        self._failure: tuple[type[TransportError], Kind, str] | None = None
        self._queued = self._quiet = self._size = 0
        self._whole = largest is not None
        self._most = _MOST_QUEUED if largest is None else largest
        self._asked = True
        self._late.set(until)
        try:
            if len(body) <= _LARGEST_COPY:
                self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            else:
                self._transport.writelines((b"%b%d\r\n\r\n" % (head, len(body)), body))
            while not (self.ended or (self._head and not self._whole)):
                await self._news()
        except BaseException:
            self.abort()
            raise
        finally:
            self._late.off()

    async def piece(self, until: float = math.inf) -> bytes:
        """Wait for more of the body and take all of it that is here; empty at the end.

        Raises:
            TransportError: it was cut short, or nothing was here at `until`, on the event loop's clock (`timeout`).
        """
        if not self._pieces and not self.ended:
            self._late.set(until)
            while not self._pieces and not self.ended:
                await self._news()
            self._late.off()
        return self.take()

    def take(self) -> bytes:
        """Take what is here of the body."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._queued = 0
        if self._paused:
            self._paused = False
            if self.usable:
                self._transport.resume_reading()
        return data

    def rest(self) -> bool:
        """Let go of the answer; say whether another request may follow. If not, this has closed the connection."""
        self._asked = False
        if self._pieces or self._paused:
            self.take()
        if self.ended and self._keep and not self._transport.get_write_buffer_size():
            return True
        self.abort()
        return False

    def abort(self) -> None:
        """Close it now, whatever is on its way."""
        self._keep = False
        self._transport.abort()

    def discard(self) -> None:
        """Forget it, also one whose making was cancelled: uvloop then closes it without telling that it is lost."""
        self._alive.discard(self)
        self._parser = None  # type: ignore[assignment]  # it and this hold on to each other, and nobody needs it now

    async def lost(self) -> None:
        """Wait until it is closed."""
        await asyncio.shield(self._lost)

    def _news(self) -> "asyncio.Future[None]":
        """What is done as soon as something has come, or nothing will."""
        if self._failure is not None:
            failure, kind, message = self._failure
            raise failure(kind, message)  # made here: one kept here and this would hold on to each other
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, kind: Kind, message: str, failure: type[TransportError] = TransportError) -> None:
        self._failure = failure, kind, f"{self._peer} {message}"
        self._tell()
        self.abort()

    def _is_late(self) -> None:
        self._fail("timeout", "did not answer in time")

    def _undelivered(self) -> bool:
        """Whether the other side closed before it had all of the request.

        What it had by then, its closing acknowledged: what is still waiting to be acknowledged came too late.
        """
        if self._transport.get_write_buffer_size():
            return True
        sock = self._transport.get_extra_info("socket")
        return sock is not None and _unacknowledged(sock) > 0

    # What the event loop tells us.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._lost = self._loop.create_future()
        self._alive.add(self)
        self._late = Alarm(self._is_late)
        self._parser = HttpResponseParser(self)
        if (sock := transport.get_extra_info("socket")) is not None:
            _keep_alive(sock)

    @override
    def data_received(self, data: bytes) -> None:
        """Take in what one read of the socket gave, and wake the reader once for all of it."""
        if not self._asked:
            self.abort()  # more than was asked for
            return
        self._heard = True
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._keep = False
            if not self.ended:
                why = error.__context__ if isinstance(error.__context__, _NotHttpError) else error
                self._fail("malformed", f"did not answer in HTTP: {why}")
                return
        except HttpParserUpgrade:
            self._fail("malformed", "wants to speak another protocol than HTTP")
            return
        if self._quiet > _LARGEST_HEAD and not self.ended:
            self._fail("malformed", f"sent {self._quiet} bytes with nothing of a body among them")
        elif self._queued > self._most:
            self._overflow()
        if self.ended or (self._head and not self._whole):
            self._tell()

    @override
    def eof_received(self) -> None:
        """The other side has nothing more to say, which is how some answers end; the event loop closes our side."""
        if self._asked:
            if self._head and not self._keep and not {"content-length", "transfer-encoding"} & self.headers.keys():
                self.on_message_complete()
                self._tell()
            elif not self._heard and self._undelivered():
                self._fail("reset", "closed the connection before the request had reached it", UndeliveredError)
            else:
                self._fail("reset", "closed the connection before the end of its answer")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self.discard()
        self._late.stop()
        if not self._lost.done():
            self._lost.set_result(None)
        if self._asked and self._failure is None:
            self._fail("reset", f"broke the connection before the end of its answer{f': {exc}' if exc else ''}")

    def _overflow(self) -> None:
        """More of the body is here than should wait."""
        if self._whole:
            self.ended = False
            self._fail("malformed", f"sent more than {self._most} bytes")
        elif not self._paused and not self.ended:
            self._paused = True
            self._transport.pause_reading()

    # What the parser finds.

    def on_message_begin(self) -> None:
        """An answer begins, or one too many."""
        if not self._asked:
            raise _NotHttpError("an answer to nothing")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer: nobody asked for those."""
        self._size += len(name) + len(value)
        key = _READ.get(name.lower())
        if key is not None and not self._head:
            headers, text = self.headers, value.decode("latin-1").strip()
            headers[key] = text if key not in headers else f"{headers[key]}, {text}"

    def on_headers_complete(self) -> None:
        """The head is here, unless it only announces another (100, 103)."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise _NotHttpError(f"transfer-encoding {coding}")
        if self._size > _LARGEST_HEAD:
            raise _NotHttpError(f"a head of more than {_LARGEST_HEAD} bytes")
        self.status = status
        self._head = True
        self._keep = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(body)
        self._queued += len(body)
        self._quiet = 0

    def on_message_complete(self) -> None:
        """The end, or the end of an announcement."""
        if self._head:
            self.ended = True
            self._asked = False
        else:
            self.headers = {}


def _keep_alive(sock: Any) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE:
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _unacknowledged(sock: Any) -> int:
    """How many bytes were sent that the other side's kernel has not confirmed; 0 where that cannot be asked."""
    if sys.platform != "linux":
        return 0
    waiting = bytearray(4)
    fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, waiting)
    return int.from_bytes(waiting, sys.byteorder)
