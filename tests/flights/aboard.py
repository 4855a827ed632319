"""Replicas without sockets: pipelines over canned deployments that share a store, and those who ask them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from router.cache import Answers
from router.chat import ChatRequest
from router.clock import SYSTEM
from router.consider import Caller
from router.flights import Flights
from router.ids import Signer
from router.outcome import Outcome
from router.pipeline import Memory, Pipeline
from router.store import Store
from router.upstream.pool import Pool
from router.upstream.reply import Reply
from tests.canned import Canned, Piece, Received, answer
from tests.plans import TWO_TIERS, asked, plan
from tests.upstream.pieces import Arriving, chunk

__all__ = ["STREAM", "Gated", "Replica", "cold", "header", "read", "replica"]

STREAM = [chunk("a"), chunk("b"), chunk(finish="stop"), b"data: [DONE]\n\n"]


def cold(text: str = "hi", *, stream: bool = False, seed: int = 0) -> ChatRequest:
    """A request whose answer may be remembered."""
    return asked(text, temperature=0, stream=stream, seed=seed)


class Gated(Canned):
    """A deployment that answers when it is let; who asked it is known at once."""

    def __init__(self, body: Piece = b"", status: int = 200, pieces: Sequence[Piece] = ()) -> None:
        super().__init__(body or answer(), status, pieces)
        self.gate = asyncio.Event()
        self.reached = asyncio.Event()
        self.left = 0

    @override
    async def whole(self, body: bytes, *, within: float) -> Received:
        self.reached.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        return await super().whole(body, within=within)

    @override
    async def streamed(self, body: bytes, *, within: float) -> Arriving:
        self.reached.set()
        await self.gate.wait()
        return await super().streamed(body, within=within)


@dataclass
class Replica:
    """One of several servers."""

    pipeline: Pipeline
    flights: Flights
    answers: Answers
    small: Canned
    outcomes: list[Outcome] = field(default_factory=list)

    async def ask(self, request: ChatRequest, caller: Caller | None = None) -> Reply:
        return await self.pipeline.complete(request, caller or Caller())


def replica(store: Store, small: Canned, policy: str = TWO_TIERS, secret: str | None = None) -> Replica:
    made, outcomes = plan(policy), list[Outcome]()
    canned = {"small": small, "big": Canned(answer("from big"))}
    pool = Pool.of(made.deployments, lambda deployment: canned[deployment.name], None)
    answers = Answers(store, memory=2**20, secret=secret)
    flights = Flights(answers, store)
    pipeline = Pipeline(made, pool, Signer(b"k" * 32), [outcomes.append], SYSTEM, memory=Memory(flights))
    return Replica(pipeline, flights, answers, small, outcomes)


async def read(reply: Reply) -> bytes:
    """Read a reply to its end, and close it."""
    body = reply.body + b"".join([part async for part in reply.events()])
    await reply.aclose()
    return body


def header(reply: Reply, name: str = "x-router-cache") -> str | None:
    return next((value.decode() for key, value in reply.headers if key == name.encode()), None)
