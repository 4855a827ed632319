"""What was decided about a request, for a day or as a policy says: on every replica, by its id or its completion's.

Two small values go to the store for each request, with those of others; nobody waits for them. A decision travels as
a list, not as an object: its size is what a day of traffic takes of the store, and its names are the same every time.
A completion's id needs a value of its own: it is the upstream's, and some give the same one twice, so that a decision
cannot be kept under it, nor our id be made from it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson

from router.consider import Caller
from router.errors import NotFound, Unavailable
from router.outcome import MICRO, Attempt, Found, Outcome, rounded
from router.plan import Plan
from router.policy.schema import Decisions as Spec
from router.store import Store, StoreDown, key

__all__ = ["Decisions"]

_FIELDS: Final = (
    *("tenant", "time", "route", "policy", "state", "stream", "start", "reason", "band", "difficulty"),
    *("threshold", "novelty", "propensity", "p_good", "path", "status", "end", "error", "cost_usd", "seconds"),
    *("first", "overhead", "cache", "found"),
)
_ATTEMPT: Final = (
    *("tier", "deployment", "result", "verdict", "input_tokens", "output_tokens", "cost_usd", "waited"),
    "sources",
)
_ABOUT_TO: Final = 0.02
"""Seconds after which another server has written down what it has answered; `books` takes less."""
_FOUND: Final = ("tier", "deployment", "sources", "request", "path")


class Decisions:
    """A sink of outcomes that remembers, and who is asked about them."""

    def __init__(self, store: Store) -> None:
        """Keep what the policy keeps that says nothing about it."""
        self._store = store
        self._kept: Spec | None = Spec()
        self.settle: Callable[[], None] = lambda: None
        """Is asked to write down what may still lie somewhere, before anybody looks."""

    def serve(self, kept: Spec | None) -> None:
        """Keep as a policy says from now on; None: nothing. What is there already stays for as long as it was to."""
        self._kept = kept

    def remember(self, outcome: Outcome) -> None:
        """Keep what was decided about one request, and which completion came of it."""
        kept, store = self._kept, self._store
        if kept is None or outcome.route is None:  # turned away: anybody can cause as many of those as they like
            return
        store.put(key("decision", outcome.id), orjson.dumps(_told(outcome)), kept.ttl)
        if kept.completions and (answer := outcome.answer) is not None and answer.id is not None and outcome.attempts:
            store.put(key("completion", outcome.tenant or "", answer.id), outcome.id.encode(), kept.ttl)

    async def request_of(self, completion: str, tenant: str | None) -> str | None:
        """The id of the request that led to a completion; None when it is not known, or not this tenant's.

        Raises:
            StoreDown: the store cannot be asked.
        """
        found = await self._look(key("completion", tenant or "", completion))
        return found.decode() if found else None

    async def told(self, identity: str, caller: Caller, plan: Plan) -> dict[str, Any]:
        """What was decided, by the id of a request or of its completion.

        Raises:
            NotFound: nothing is known by this id, or it is another tenant's.
            Unavailable: the store cannot be asked.
        """
        try:
            found = await self.find(identity, caller.tenant)
            if found is None and (request := await self.request_of(identity, caller.tenant)) is not None:
                found = await self.find(request, caller.tenant)
        except StoreDown as error:
            told = "decisions cannot be looked up just now; try again"
            raise Unavailable(told, headers={"retry-after": "1"}) from error
        if found is None:
            told = f"no decision that is kept has the id '{identity[:100]}'; take the x-request-id of an answer"
            if self._kept is None:
                told = "no decisions are kept: the policy says `state: {decisions: false}`"
            raise NotFound(told, param="id", code="request_not_found")
        return _with_names(found, plan)

    async def find(self, identity: str, tenant: str | None) -> dict[str, Any] | None:
        """What was decided about a request; None when it is not known, or not this tenant's.

        Raises:
            StoreDown: the store cannot be asked.
        """
        found = await self._look(key("decision", identity))
        if found is None:
            return None
        told = {"id": identity, **dict(zip(_FIELDS, orjson.loads(found), strict=False))}
        if told.pop("tenant") != tenant:
            return None
        given = told.get("found")
        told["found"] = dict(zip(_FOUND, given, strict=False)) if given else None
        told["path"] = [dict(zip(_ATTEMPT, attempt, strict=False)) for attempt in told["path"]]
        return told

    async def _look(self, name: str) -> bytes | None:
        """Find what is kept under a key, here or by another server that is about to write it down."""
        self.settle()
        found = await self._store.get(name)
        if found is None and self._store.shared:
            await asyncio.sleep(_ABOUT_TO)
            found = await self._store.get(name)
        return found


def _with_names(told: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """A decision whose estimates have the names of the tiers they are for, where its route is still what it was."""
    route, p_good = plan.routes.get(told["route"]), told["p_good"]
    if route is None or route.state != told["state"] or p_good is None:
        return {**told, "p_good": None}
    return {**told, "p_good": dict(zip((rung.tier.name for rung in route.cascade), p_good, strict=False))}


def _told(outcome: Outcome) -> list[object]:
    """The values of `_FIELDS`."""
    decision, estimate = outcome.decision, outcome.estimate
    return [
        outcome.tenant,
        outcome.started,
        outcome.route,
        outcome.policy,
        outcome.state,
        outcome.stream,
        decision.start if decision else None,
        decision.reason if decision else None,
        decision.band if decision else None,
        decision.difficulty if decision else None,
        decision.threshold if decision else None,
        decision.novelty if decision else None,
        decision.propensity if decision else None,
        estimate.p_good if estimate else None,
        [_asked(attempt) for attempt in outcome.attempts],
        outcome.status,
        outcome.end,
        outcome.error,
        outcome.cost if outcome.attempts else 0.0,
        round(outcome.seconds * MICRO) / MICRO,
        rounded(outcome.first, MICRO),
        round(outcome.overhead * MICRO) / MICRO,
        outcome.cache,
        _given(outcome.found) if outcome.found else None,
    ]


def _asked(attempt: Attempt) -> tuple[object, ...]:
    """The values of `_ATTEMPT`."""
    usage = attempt.usage
    return (
        attempt.tier,
        attempt.deployment,
        attempt.result,
        attempt.verdict,
        usage.input if usage else None,
        usage.output if usage else None,
        attempt.cost,
        round(attempt.waited * MICRO) / MICRO,
        attempt.sources,
    )


def _given(found: Found) -> tuple[object, ...]:
    """The values of `_FOUND`."""
    return found.tier, found.deployment, found.sources, found.request, found.path
