"""Outcomes for tests of shadows, as a pipeline makes them from canned answers."""

from dataclasses import dataclass
from typing import Any

import orjson

from router.chat import ChatRequest, parse
from router.clock import Clock
from router.consider import Caller
from router.outcome import Aside, Evidence, Outcome
from router.plan import Route
from router.shadow import Shadows, Told
from tests.canned import Canned, House, answer, house
from tests.plans import TWO_TIERS, plan
from tests.test_pipeline import ended

__all__ = ["SHADOWED", "THREE_TIERS", "Watched", "hello", "policy", "route_of", "served", "watched"]

SHADOWED = TWO_TIERS.replace("auto: {", "auto: {shadow: {rate: {tuned: 0.2, frontier: 0.01}}, ")
THREE_TIERS = """
version: 1
deployments:
  tiny: {base_url: "http://127.0.0.1:3/v1", model: t, price: {input: 0.1, output: 0.1}}
  small: {base_url: "http://127.0.0.1:1/v1", model: s, price: {input: 1, output: 1}}
  big: {base_url: "http://127.0.0.1:2/v1", model: b, price: {input: 10, output: 10}}
tiers: {nano: {deployments: [tiny]}, tuned: {deployments: [small]}, frontier: {deployments: [big]}}
routes:
  auto:
    difficulty: 0.2
    cascade: [{tier: nano, below: 0.1}, {tier: tuned, below: 0.3}, {tier: frontier}]
    shadow: {rate: 0.2}
"""


def policy(difficulty: float = 0.2, **shadow: Any) -> str:
    """Two tiers whose requests are all of one difficulty (the threshold is 0.3), shadowed as told."""
    said = f"auto: {{shadow: {orjson.dumps({'rate': 1.0, **shadow}).decode()}, "
    return TWO_TIERS.replace("auto: {", said).replace("difficulty: 0.2", f"difficulty: {difficulty}")


def route_of(text: str = SHADOWED) -> Route:
    """The route `auto` of a policy."""
    return plan(text).routes["auto"]


@dataclass(frozen=True, slots=True)
class Watched:
    """A pipeline with its shadows, and what they told."""

    house: House
    shadows: Shadows
    asides: list[Aside]
    evidence: list[Evidence]
    escalations: list[tuple[str, str]]

    async def ask(self, request: ChatRequest | None = None, caller: Caller | None = None) -> bytes:
        """Serve a request, and wait until whatever came of it has."""
        body = await self.serve(request, caller)
        await self.shadows.settled()
        return body

    async def serve(self, request: ChatRequest | None = None, caller: Caller | None = None) -> bytes:
        """Serve a request."""
        return await ended(await self.house.pipeline.complete(request or hello(), caller or Caller()))


def hello(**more: Any) -> ChatRequest:
    """A request."""
    said = {"model": "auto", "messages": [{"role": "user", "content": "hello there"}], **more}
    return parse(orjson.dumps(said))


def watched(
    small: Canned, big: Canned | None = None, text: str = SHADOWED, clock: Clock | None = None, **others: Canned
) -> Watched:
    """Put a policy to work, whose dice always say yes."""
    asides, evidence, escalations = list[Aside](), list[Evidence](), list[tuple[str, str]]()
    clock = clock or Clock(draw=lambda: 0.0)
    told = Told(asides.append, evidence.append, lambda route, gain: escalations.append((route, gain)))
    shadows = Shadows(told, clock)
    made = house(small, big, text, clock, sinks=[shadows.offer], **others)
    shadows.serve(made.pipeline.plan, made.pipeline.pool)
    return Watched(made, shadows, asides, evidence, escalations)


async def served(
    small: Canned | None = None,
    big: Canned | None = None,
    text: str = SHADOWED,
    caller: Caller | None = None,
    **more: Any,
) -> Outcome:
    """The outcome of one request."""
    made = house(small or Canned(answer("from small")), big, policy=text)
    await ended(await made.pipeline.complete(hello(**more), caller or Caller()))
    return made.outcomes[0]
