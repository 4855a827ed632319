"""A streamed answer: held back while another tier may still be asked, then forwarded as it comes.

Two questions end the holding back. Has something arrived that a client can use (content, reasoning, a refusal, a tool
call, a finish)? And have as many of those chunks arrived as the tier holds back for its checks? From then on the answer
is committed, and what fails is the client's to see. Whoever holds it back may also listen in, chunk by chunk, and end
the holding as soon as the answer cannot be good enough any more.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from router.chat import Chunks, Malformed, hide_logprobs
from router.plan import ALL
from router.sse import DONE, Splitter, TooLong, encode
from router.upstream.client import Streamed, TransportError
from router.upstream.failure import Failure, from_event

__all__ = ["Listen", "Stream"]

_MOST_HELD = 16 * 1024 * 1024
"""Bytes held back for checks. Longer, an answer that was to be judged whole is `overlong`, any other is committed."""
_LINGER = 0.25
"""Seconds for which the end of an answer that is complete is waited for, so that its connection can serve again."""


Listen = Callable[[Mapping[str, Any]], str | None]


class Stream:
    """One upstream's streamed answer, read once: first `hold`, then `forward`, and always `aclose`."""

    def __init__(
        self,
        streamed: Streamed,
        *,
        show_usage: bool,
        show_logprobs: bool = True,
        patience: tuple[float, float],
        now: Callable[[], float],
        until: float,
    ) -> None:
        """Read `streamed`, until a moment on the clock `now` at the latest.

        `patience`: how many seconds its first chunk may take, and each after that.
        """
        self._streamed = streamed
        self._show_usage = show_usage
        self._show_logprobs = show_logprobs
        self._idle, self._idle_after = patience
        self.until = until
        """When it has to be over."""
        self._now = now
        self._splitter = Splitter()
        self._ready: list[bytes] = []
        self._size = 0
        self._useful = 0
        self._ended = False
        self._complete = False
        self._listen: Listen | None = None
        self.broken: str | None = None
        """Why what was held back cannot be good enough, whatever comes; None when nothing is known against it."""
        self.answer = Chunks()
        """What the answer is so far."""
        self.begun: float | None = None
        """When its first chunk was here."""

    async def hold(self, chunks: int, listen: Listen | None = None) -> None:
        """Read until so many useful chunks and one more are here (ALL: until the end), or it has ended, or is `broken`.

        `listen` hears each chunk meanwhile, and says why the answer cannot be good enough as soon as it knows.

        Raises:
            Failure: it broke off, stalled, or is not what it should be; nothing of it has been forwarded.
        """
        self._listen = listen
        while not self._ended and (chunks == ALL or self._useful <= chunks):
            await self._read()
            if self.broken is not None:
                break
            if chunks and self._size > _MOST_HELD:
                if chunks == ALL and not self._ended:
                    self.broken = "overlong"
                break
        self._listen = None
        if self._ended and self.broken is None and not self.answer.finished:
            raise Failure("unfinished", 200)

    @property
    def whole(self) -> bool:
        """Whether all of it is held back, with nothing known against its form."""
        return self._ended and self.broken is None and self.answer.finished

    async def forward(self) -> AsyncIterator[bytes]:
        """Give what was held back, then the rest as it comes, ending in `[DONE]`.

        Raises:
            Failure: it broke off, stalled, or ended before every choice had its finish reason.
        """
        broken = None
        while not self._ended and broken is None:
            if self._ready:
                yield self._take()
            try:
                await self._read()
            except Failure as failure:
                broken = failure
        if broken is not None or not self.answer.finished:
            if self._ready:
                yield self._take()
            try:
                raise broken or Failure("unfinished", 200)
            finally:
                broken = None  # or it and this frame, which it comes through, would hold on to each other
        self._ready.append(DONE)
        self._complete = True
        yield self._take()

    async def aclose(self) -> None:
        """Let go of the upstream, once; what it has not sent yet is not wanted."""
        try:
            if self._complete:
                await self._linger()
        finally:
            await self._streamed.aclose()

    def _take(self) -> bytes:
        ready = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        self._size = 0
        return ready

    async def _read(self) -> None:
        """Take in what the network has next."""
        try:
            chunk = await self._streamed.more(min(self._idle, self.until - self._now()))
        except TransportError as error:
            raise Failure(error.kind) from error
        if self.begun is None:
            self.begun = self._now()
        self._idle = self._idle_after
        try:
            events = self._splitter.feed(chunk) if chunk else self._splitter.finish()
            for raw, data in events:
                self._add(raw, data)
        except (TooLong, Malformed, orjson.JSONDecodeError) as error:
            raise Failure("malformed", 200) from error
        if not chunk:
            self._ended = True

    def _add(self, raw: bytes, data: bytes | None) -> None:
        """Take in one event."""
        if self._ended:
            return
        if data is None:
            self._keep(raw)
            return
        if data == b"[DONE]":
            self._ended = True
            return
        chunk = orjson.loads(data)
        if not isinstance(chunk, dict):
            raise Malformed("a chunk that is not an object")
        self._useful += self.answer.add(chunk)
        if self.answer.error is not None:
            raise from_event(self.answer.error)
        if self._listen is not None and self.broken is None:
            self.broken = self._listen(chunk)
        hidden = False
        if "usage" in chunk and not self._show_usage:
            if chunk["usage"] and not chunk.get("choices"):
                return
            del chunk["usage"]
            hidden = True
        if not self._show_logprobs:
            hide_logprobs(chunk)
            hidden = True
        self._keep(_written(chunk) if hidden else raw)

    def _keep(self, raw: bytes) -> None:
        self._ready.append(raw)
        self._size += len(raw)

    async def _linger(self) -> None:
        """Read to the very end, briefly: a connection that was read to its end can be used again."""
        until = self._now() + _LINGER
        with suppress(TransportError):
            while await self._streamed.more(until - self._now()):
                pass


def _written(chunk: dict[str, Any]) -> bytes:
    try:
        return encode(orjson.dumps(chunk))
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise Malformed("a chunk that is nested too deeply") from error
