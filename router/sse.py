"""Server-sent events in, split at any byte; server-sent events out, byte for byte as they came.

The format is the WHATWG HTML standard's, section "Server-sent events"
(https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator

__all__ = ["COMMENT", "DONE", "Event", "Splitter", "TooLong", "commented", "encode"]

DONE = b"data: [DONE]\n\n"
COMMENT = b": keepalive\n\n"
"""What every client passes over, and what tells everybody in between that the connection is in use."""
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_BREAK = re.compile(rb"\r\n|\n|\r")
_CR, _LF = b"\r\n"
"""Numbers: whoever looks for bytes in bytes raises an error first, and drops it, which takes ten times as long."""
_SEAM = 3
"""Bytes of a blank line that may stand before a cut: CR LF CR, where an LF comes next."""


class TooLong(ValueError):
    """One event is longer than the splitter was told to hold."""


Event = tuple[bytes, bytes | None]
"""One event: the bytes to forward, and the data in them (None for comments and empty events)."""


class Splitter:
    """Cuts a stream of bytes into events, wherever the network happened to split it.

    What it returns, joined, is what it was fed: nothing is added, lost or rewritten.
    """

    __slots__ = ("_held", "_limit", "_seam", "_size")

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._held: list[bytes] = []  # the beginning of an event, in pieces: joined each time, it would cost its square
        self._seam = b""  # the last bytes of it, which may be the beginning of a blank line
        self._size = 0
        self._limit = limit

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes, give the events that are now complete.

        Raises:
            TooLong: an event without an end has grown past the limit.
        """
        events: list[Event] = []
        if self._held and not _ends(seam := self._seam + chunk):
            self._held.append(chunk)
            self._size += len(chunk)
            self._seam = seam[-_SEAM:]
        else:
            events, rest = _cut(b"".join((*self._held, chunk)) if self._held else chunk)
            self._held = [rest] if rest else []
            self._size = len(rest)
            self._seam = rest[-_SEAM:]
        if self._size > self._limit:
            message = f"an event is longer than {self._limit} bytes"
            raise TooLong(message)
        return events

    def finish(self) -> list[Event]:
        """Give what came after the last blank line, closed properly, when it holds anything."""
        rest = b"".join(self._held)
        self._held = []
        self._seam = b""
        self._size = 0
        return [_event(rest.rstrip(b"\r\n") + b"\n\n")] if rest.strip() else []


def _ends(text: bytes) -> bool:
    """Whether an event ends in here; a CR at the very end waits for its LF."""
    if _CR not in text:
        return text.find(b"\n\n") >= 0
    return _BLANK.search(text, 0, len(text) - text.endswith(b"\r")) is not None


def _cut(text: bytes) -> tuple[list[Event], bytes]:
    """The events that are complete, and what comes after them."""
    if _CR in text:
        return _cut_by_any_break(text)
    *whole, rest = text.split(b"\n\n")
    events: list[Event] = []
    for part in whole:
        plain = part.startswith(b"data: ") and _LF not in part
        events.append((part + b"\n\n", part[6:]) if plain else _event(part + b"\n\n"))
    return events, rest


def _cut_by_any_break(text: bytes) -> tuple[list[Event], bytes]:
    """Cut where lines may end in CR LF, LF or CR; a CR at the very end waits for its LF."""
    events, start = [], 0
    ends = len(text) - 1 if text.endswith(b"\r") else len(text)
    for blank in _BLANK.finditer(text, 0, ends):
        events.append(_event(text[start : blank.end()]))
        start = blank.end()
    return events, text[start:]


def _event(raw: bytes) -> Event:
    """Read the data of one complete event."""
    fields = [line[5:].removeprefix(b" ") for line in _BREAK.split(raw) if line.startswith(b"data:")]
    return raw, b"\n".join(fields) if fields else None


def encode(data: bytes) -> bytes:
    """One event that carries `data` (without line breaks)."""
    return b"data: " + data + b"\n\n"


async def commented(events: AsyncIterator[bytes], every: float) -> AsyncGenerator[bytes, None]:
    """Give events as they come, and a comment after each `every` seconds without one."""
    coming: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(events, None))
            await asyncio.wait({coming}, timeout=every)
            if not coming.done():
                yield COMMENT
                continue
            part, coming = coming.result(), None
            if part is None:
                return
            yield part
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
