"""A deployment's answer as a list of pieces: the narrowest seam there is, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import orjson

from router.upstream.client import Given, Streamed, TransportError

__all__ = ["SILENCE", "Arriving", "chunk", "pieces", "words"]

SILENCE = object()
"""From here on nothing comes any more, and nothing ends either."""


class Arriving(Given):
    """A streamed answer that arrives in these pieces; errors are raised, events waited for, in their turn."""

    def __init__(
        self,
        pieces: Sequence[bytes | TransportError | object],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers or {"content-type": "text/event-stream"}
        self.closed = 0
        self._pieces = list(pieces)
        super().__init__(self._in_turn())

    @property
    def left(self) -> int:
        """How many pieces nobody has read yet."""
        return len(self._pieces)

    async def _in_turn(self) -> AsyncIterator[bytes]:
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, bytes):
                yield piece
            elif isinstance(piece, TransportError):
                raise piece
            elif isinstance(piece, asyncio.Event):
                await piece.wait()
            else:
                await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed += 1


async def pieces(streamed: Streamed, within: float = 10.0) -> AsyncIterator[bytes]:
    """The body of an answer, as it comes."""
    while piece := await streamed.more(within):
        yield piece


def chunk(content: str | None = None, finish: str | None = None, **more: object) -> bytes:
    """One event of a completion's stream."""
    delta = {} if content is None else {"content": content}
    return (
        b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}) + b"\n\n"
    )


def words(events: bytes) -> str:
    """What the chunks among these events say."""
    datas = [orjson.loads(event[6:]) for event in events.split(b"\n\n") if event[6:7] == b"{"]
    return "".join(choice["delta"].get("content", "") for data in datas for choice in data.get("choices", ()))
