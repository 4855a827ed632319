"""Deployments that answer from memory: a pipeline without a socket, for stories about what surrounds a call."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NoReturn

import orjson

from router.clock import SYSTEM, Clock
from router.ids import Signer
from router.outcome import Outcome
from router.pipeline import Pipeline
from router.upstream.client import TransportError
from router.upstream.pool import Pool
from router.upstream.reply import Sink
from tests.plans import TWO_TIERS, plan
from tests.upstream.pieces import SILENCE, Arriving

__all__ = ["SILENCE", "Canned", "House", "answer", "house"]


@dataclass(frozen=True, slots=True)
class Received:
    """A whole answer."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Piece = bytes | TransportError | object


def answer(text: str | None = "hi", finish: str = "stop", usage: tuple[int, int] | None = (10, 20)) -> bytes:
    """A whole completion."""
    counts = {"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}} if usage else {}
    message = {"role": "assistant", "content": text}
    return orjson.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}], **counts})


async def silence(within: float) -> NoReturn:
    """Say nothing, until nobody waits any more."""
    try:
        async with asyncio.timeout(within):
            await asyncio.Event().wait()
    except TimeoutError as error:
        raise TransportError("timeout", f"no answer within {within:g} s") from error
    raise AssertionError("an event that nobody sets")


class Canned:
    """A deployment's connection: whole answers are `body`, streams arrive in `pieces`."""

    def __init__(self, body: Piece = b"", status: int = 200, pieces: Sequence[Piece] = ()) -> None:
        self.body = body
        self.status = status
        self.pieces = pieces
        self.asked: list[bytes] = []
        self.streams: list[Arriving] = []

    async def whole(self, body: bytes, *, within: float) -> Received:
        self.asked.append(body)
        if isinstance(self.body, TransportError):
            raise self.body
        if self.body is SILENCE:
            await silence(within)
        assert isinstance(self.body, bytes)
        return Received(self.status, self.body, {"content-type": "application/json"})

    async def embedded(self, body: bytes, *, within: float) -> Received:
        return await self.whole(body, within=within)

    async def streamed(self, body: bytes, *, within: float) -> Arriving:  # noqa: ARG002  its head is here at once
        self.asked.append(body)
        self.streams.append(Arriving([self.body] if self.status != 200 else self.pieces, self.status))
        return self.streams[-1]

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class House:
    """A pipeline over two tiers, and the outcomes of its requests."""

    pipeline: Pipeline
    small: Canned
    big: Canned
    outcomes: list[Outcome]


_plan = cache(plan)


def house(
    small: Canned,
    big: Canned | None = None,
    policy: str = TWO_TIERS,
    clock: Clock = SYSTEM,
    *,
    sinks: Sequence[Sink] = (),
    **others: Canned,
) -> House:
    """Put a policy of `small` and `big`, and perhaps others, to work."""
    made, outcomes = _plan(policy), list[Outcome]()
    canned = {"small": small, "big": big or Canned(answer("from big")), **others}
    pool = Pool.of(made.deployments, lambda deployment: canned[deployment.name], None)
    pipeline = Pipeline(made, pool, Signer(b"k" * 32), [outcomes.append, *sinks], clock)
    return House(pipeline, small, canned["big"], outcomes)
