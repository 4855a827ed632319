"""`POST /v1/feedback`: what somebody says about an answer, counted once, on any replica and long after.

The signed id says whose request it was, where it started and how likely that was, so that nothing has to be looked up.
Whether it has been counted before is asked of the store; when that is down, of this process's own short memory.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

import orjson

from router.consider import Caller
from router.errors import BadRequest, Forbidden, NotFound, Unavailable
from router.ids import IdFacts, Signer, hashed, name_of, start_of
from router.outcome import Evidence
from router.plan import Plan, Route
from router.records import Feedback
from router.records.line import Source
from router.server.decisions import Decisions
from router.store import Store, StoreDown, key

__all__ = ["GRADER", "Intake", "Said", "Taken", "read"]

Taken = Literal["counted", "repeated", "revised", "outdated"]
"""Counted · the same was said before · something else was said before · about a route that is not what it was."""

Count = Callable[[Feedback, Evidence | None, Taken, bool | None], None]
"""Takes what was said, what it says of a tier, whether it counts, and whether a judge had said the same; None: nothing,
or nobody."""

GRADER: Final = ("feedback", "grader")
"""The label of keys that may speak as `grader` or `judge`, and of every tenant's requests."""

_SOURCES: Final[tuple[Source, ...]] = ("feedback", "grader", "judge")
_LONGEST: Final = 64 * 1024
_REMEMBERED: Final = 10_000
_JUDGED: Final = 7 * 86400.0
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """The body of one feedback."""

    id: str
    score: float
    correction: str | None
    source: Source
    reference: float | None


def read(raw: bytes) -> Said:
    """Read a body.

    Raises:
        BadRequest: it does not say which request, or how good the answer was.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object", code="invalid_type")
    identity, correction, source = body.get("id"), body.get("correction"), body.get("source", "feedback")
    if not isinstance(identity, str) or not identity:
        raise _wrong("id", "an x-request-id or the id of a completion", missing=identity is None)
    if correction is not None and not (isinstance(correction, str) and len(correction) <= _LONGEST):
        raise _wrong("correction", f"a text of at most {_LONGEST:,} characters")
    if source not in _SOURCES:
        raise _wrong("source", f"one of {', '.join(_SOURCES)}")
    score = _share(body, "score")
    if score is None:
        raise _wrong("score", "a number from 0 (useless) to 1 (perfect)", missing=True)
    return Said(identity, score, correction, source, _share(body, "reference"))


def _share(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1 or math.isnan(value):
        raise _wrong(name, "a number from 0 (useless) to 1 (perfect)")
    return float(value)


def _wrong(name: str, expected: str, *, missing: bool = False) -> BadRequest:
    if missing:
        return BadRequest(f"'{name}' is missing; it is {expected}", param=name, code="missing_required_parameter")
    return BadRequest(f"'{name}' must be {expected}", param=name, code="invalid_type")


@dataclass(frozen=True, slots=True)
class Whom:
    """Which request a feedback is about, as far as its id says."""

    id: str
    facts: IdFacts
    route: Route | None
    start: str | None
    """Where it started; None when its route is not what it was then."""
    tier: str | None
    """Whose answer it got."""


class Intake:
    """Takes feedback."""

    def __init__(self, signer: Signer, store: Store, decisions: Decisions) -> None:
        self._signer = signer
        self._store = store
        self._decisions = decisions
        self._recent: OrderedDict[str, bytes] = OrderedDict()

    async def identify(self, identity: str, caller: Caller, plan: Plan) -> Whom:
        """Find out which request it is.

        Raises:
            NotFound: no request has this id, or it is another tenant's.
            Unavailable: it is the id of a completion, and the store cannot be asked.
        """
        facts = self._signer.verify(identity)
        if facts is None and (found := await self._by_completion(identity, caller)) is not None:
            identity, facts = found, self._signer.verify(found)
        mine = facts is not None and facts.tenant == hashed(caller.tenant or "")
        if facts is None or not (mine or is_grader(caller)):
            raise NotFound(
                f"no request of yours has the id '{identity[:100]}'; take the x-request-id of its answer, or, for as "
                "long as `state.decisions` keeps it, the id of its completion",
                param="id",
                code="request_not_found",
            )
        return _whom(identity, facts, plan)

    async def _by_completion(self, completion: str, caller: Caller) -> str | None:
        try:
            return await self._decisions.request_of(completion, caller.tenant)
        except StoreDown as error:
            told = "completions cannot be looked up just now; send the x-request-id instead, or try again"
            raise Unavailable(told, headers={"retry-after": "1"}) from error

    async def take(self, said: Said, whom: Whom, caller: Caller, retention: float, count: Count) -> Taken:
        """Hand it to `count`, with what it says of a tier where that holds; each once within `retention` seconds.

        Raises:
            Forbidden: this caller may not speak as that source.
        """
        if said.source != "feedback" and not (caller.tenant is None or is_grader(caller)):
            raise Forbidden(
                f"this key may not give feedback as '{said.source}'; its label {GRADER[0]}: {GRADER[1]} would allow it",
                param="source",
                code="source_not_permitted",
            )
        feedback = Feedback(
            whom.id,
            said.score,
            said.source,
            caller.tenant,
            said.correction,
            said.reference,
            route=whom.route.name if whom.route else None,
            start=whom.start,
            tier=whom.tier,
            band=whom.facts.band,
        )
        taken = await self._first(key("feedback", whom.id, said.source, caller.tenant or ""), said, retention)
        if taken == "repeated":
            return taken
        counts = taken == "counted"
        taken = "outdated" if counts and whom.start is None else taken
        evidence = _evidence(feedback, whom) if counts else None
        count(feedback, evidence, taken, await self._agrees(feedback) if counts else None)
        return taken

    async def _first(self, name: str, said: Said, retention: float) -> Taken:
        """Whether this was said before."""
        digest = blake2b(repr((said.score, said.correction, said.reference)).encode(), digest_size=16).digest()
        try:
            if await self._store.add(name, digest, retention):
                return "counted"
            before = await self._store.get(name)
            if before == digest:
                return "repeated"
            await self._store.set(name, digest, retention)
        except StoreDown:
            before = self._recent.get(name)
        self._recent[name] = digest
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        if before is None:
            return "counted"
        return "repeated" if before == digest else "revised"

    def judged(self, evidence: Evidence) -> None:
        """Remember what a judge says of an answer, until people speak of it too."""
        word = b"%s %d" % (evidence.tier.encode(), evidence.score >= _HALF)
        self._store.put(key("judged", evidence.id), word, _JUDGED)

    async def _agrees(self, feedback: Feedback) -> bool | None:
        """Whether people and the judge say the same of one answer; None when only one of them has spoken."""
        if feedback.source == "judge" or feedback.tier is None:
            return None
        try:
            word = await self._store.get(key("judged", feedback.id))
        except StoreDown:
            return None
        tier, _, good = (word or b"").rpartition(b" ")
        return (good == b"1") == (feedback.score >= _HALF) if tier == feedback.tier.encode() else None


def is_grader(caller: Caller) -> bool:
    """Whether this key may speak of every tenant's answers, as a program that knows what is right."""
    return caller.labels.get(GRADER[0]) == GRADER[1]


def _whom(identity: str, facts: IdFacts, plan: Plan) -> Whom:
    name = name_of(facts.route, plan.routes)
    route = plan.routes[name] if name else None
    if route is None:
        return Whom(identity, facts, None, None, None)
    ladder = [rung.tier for rung in route.cascade]
    start = next((i for i, tier in enumerate(ladder) if start_of(tier.name, route.state) == facts.tier), None)
    if start is None:
        return Whom(identity, facts, route, None, None)
    model = name_of(facts.model, plan.deployments)
    tier = next((tier.name for tier in ladder[start:] if model in [d.name for d in tier.deployments]), None)
    return Whom(identity, facts, route, ladder[start].name, tier)


def _evidence(feedback: Feedback, whom: Whom) -> Evidence | None:
    """What it says about a tier; None when that is not the tier any more, or it was not chosen among several."""
    if whom.route is None or whom.route.kind != "route" or whom.start is None or whom.tier is None:
        return None
    return Evidence(
        feedback.id,
        whom.route.name,
        whom.route.state,
        whom.facts.band,
        whom.tier,
        feedback.score,
        feedback.reference,
        source=feedback.source,
        weight=1 / whom.facts.propensity,
        start=whom.start if whom.start != whom.tier else None,
    )
