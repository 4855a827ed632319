"""Everything that happened to one request, as one frozen value; headers, metrics and the log line are views of it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Literal, Protocol
from urllib.parse import quote

import orjson

from router.chat import ChatRequest, Completion, Usage
from router.conversation import Session
from router.decide import Decision
from router.difficulty import Estimate
from router.frozen import frozen
from router.signals import Signals
from router.traceparent import Trace

__all__ = [
    "MICRO",
    "Aside",
    "Attempt",
    "End",
    "Evidence",
    "Found",
    "Judgement",
    "Operation",
    "Outcome",
    "Remembered",
    "Result",
    "ended",
    "headers",
    "rounded",
]

End = Literal["ok", "error", "broken", "left"]
"""Answered · an error was sent · a stream ended in an error event · the client left first."""

Operation = Literal["chat", "embeddings"]
"""What a client asked for, by its OpenTelemetry name."""

Remembered = Literal["hit", "miss", "joined", "off"]
"""Given again · not there · the same request was under way, and its answer is this one's too · not looked for."""

Result = Literal["served", "escalated", "failed", "skipped", "left"]
"""The client got it · not good enough, the next tier was asked · it gave no answer, the next deployment was asked ·
it was not even called (`open`, `full`) · the client left meanwhile."""

_ANSWERED: frozenset[Result] = frozenset({"served", "escalated", "left"})
"""Results of calls that an answer came of, whole or not."""

_LONGEST_LIST = 4_000
"""Bytes of a header."""

MICRO = 1e6


@frozen
class Attempt:
    """What became of asking one deployment."""

    tier: str
    deployment: str
    result: Result
    verdict: str = "ok"
    """`ok`, the reason of a failed check, or the name of a failure."""
    usage: Usage | None = None
    cost: float | None = None
    """US dollars; None when the price or the usage is unknown."""
    waited: float = 0.0
    """Seconds until its whole answer, a stream's commit, or its failure; waiting for a free place included."""
    trimmed: int = 0
    """About how many tokens of prompt were saved by a leaner one."""
    saved: float | None = None
    """What those would have cost here, in US dollars; None when the price is unknown."""
    first: float | None = None
    """Seconds until the first chunk of a stream; None for a whole answer, and where none came."""
    since: float = 0.0
    """How many seconds into the request it began."""
    sources: tuple[str, ...] = ()
    """The ids of the chunks it was answered with, in the order of the numbers that it cites them by, from 1."""


@frozen
class Found(Attempt):
    """Who gave, to an equal request, the answer or the error that this one gets too; it cost nothing here."""

    request: str = ""
    """That request's id."""
    path: str = ""
    """Everybody who was asked for it."""


@frozen
class Judgement:
    """What another deployment said of an answer before it was sent."""

    tier: str
    """Whose answer it was."""
    deployment: str
    """Who was asked."""
    result: Literal["accepted", "rejected", "failed"]
    """`failed`: there was no score, for whatever reason, and the answer passed."""
    score: float | None = None
    cost: float | None = 0.0
    """US dollars; None when the price or the usage is unknown."""


@frozen
class Outcome:
    """One request, from its first byte in to its last byte out. Times are seconds."""

    id: str
    policy: str
    started: float
    """Since 1970."""
    route: str | None = None
    """None when the request was turned away before it had one."""
    kind: str = "route"
    """What the client named: a route, a tier or a deployment."""
    tenant: str | None = None
    stream: bool = False
    decision: Decision | None = None
    attempts: tuple[Attempt, ...] = ()
    status: int = 200
    end: End = "ok"
    error: str | None = None
    """The error's code."""
    seconds: float = 0.0
    first: float | None = None
    """Until the first byte of the answer left; None when none did."""
    overhead: float = 0.0
    """What we added: until the first byte, less what upstreams took."""
    state: str = ""
    """The route's, which says whether what is learned from this still holds (`Route.state`)."""
    request: ChatRequest | None = field(default=None, repr=False)
    """The client's own; None when it could not be read."""
    signals: Signals | None = field(default=None, repr=False)
    estimate: Estimate | None = None
    answer: Completion | None = field(default=None, repr=False)
    """What the client got, once it is complete; None when it was remembered."""
    drafts: Mapping[str, Completion] = field(default_factory=dict, repr=False)
    """What tiers said that was not good enough, by tier; of a stream that was given up, as much as was read."""
    session: Session | None = field(default=None, repr=False)
    """The conversation it belongs to; None where the route keeps none."""
    speaker: int | None = None
    """Which of the attempts the client hears of; None: the last."""
    cache: Remembered = "off"
    found: Found | None = None
    """Where an answer comes from that was remembered, or that came of the request that this one joined."""
    judgements: tuple[Judgement, ...] = ()
    trace: Trace | None = None
    """The trace it belongs to, while somebody traces."""
    retrievals: tuple[tuple[str, str], ...] = ()
    """Every retriever that was asked: for which tier, and `ok`, `empty`, `timeout` or `failed`."""
    dropped: tuple[tuple[str, str], ...] = ()
    """Every field that a deployment was not sent because its `drop` says so: whose, and which."""
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The sources that tiers were given to answer with, each in its tag, by tier."""
    operation: Operation = "chat"
    """What was asked for; what is learned from chat completions is not learned from anything else."""

    heard: Attempt | None = field(init=False, repr=False, compare=False)
    """The attempt that the client hears of: who answered, or whose error is told."""
    path: str = field(init=False, repr=False, compare=False)
    """``tuned:truncated,frontier:ok``, or ``tuned:truncated,frontier:timeout,tuned:draft``."""
    cost: float | None = field(init=False, repr=False, compare=False)
    """US dollars of every answer there was, whole or not, served or not; None when any of them is unknown."""

    def __post_init__(self) -> None:
        """Every view tells these three, so they are made once."""
        attempts, speaker = self.attempts, self.speaker
        heard = attempts[-1 if speaker is None else speaker] if attempts else self.found
        self.heard = heard  # type: ignore[misc]
        self.path = path_of(attempts, speaker)  # type: ignore[misc]
        self.cost = cost_of(attempts, self.judgements, broken=self.end == "broken")  # type: ignore[misc]

    @property
    def route_name(self) -> str | None:
        """As `Journey` says it."""
        return self.route

    @property
    def trimmed(self) -> int:
        """About how many tokens of prompt every answer was spared, served or not."""
        total = 0
        for attempt in self.attempts:
            total += attempt.trimmed
        return total

    @property
    def saved(self) -> float | None:
        """What those would have cost, in US dollars; None when any of it is unknown."""
        total = 0.0
        for attempt in self.attempts:
            if attempt.trimmed:
                if attempt.saved is None:
                    return None
                total += attempt.saved
        return total

    @property
    def fallbacks(self) -> list[Attempt]:
        """The attempts that another deployment stepped in for, because they *failed*."""
        if len(self.attempts) < 2:
            return []
        stood_in = self.attempts if drafted(self.attempts, self.speaker) else self.attempts[:-1]
        return [attempt for attempt in stood_in if attempt.result in {"failed", "skipped"}]


def cost_of(attempts: Sequence[Attempt], judgements: Sequence[Judgement], *, broken: bool = False) -> float | None:
    """What answers and judgements cost, in US dollars; None when any is unknown. `broken`: so did the last attempt."""
    total = 0.0
    for attempt in attempts:
        if attempt.result in _ANSWERED:
            if attempt.cost is None:
                return None
            total += attempt.cost
    others: Sequence[Attempt | Judgement] = (*attempts[-1:], *judgements) if broken else judgements
    for paid in others:
        if paid.cost is None:
            return None
        total += paid.cost
    return total


def path_of(attempts: Sequence[Attempt], speaker: int | None) -> str:
    """Who was asked, and what became of it; `speaker` is the place of the attempt that the client hears of."""
    path = ""
    for attempt in attempts:
        path += f",{attempt.tier}:{attempt.verdict}" if path else f"{attempt.tier}:{attempt.verdict}"
    return path if speaker is None or not drafted(attempts, speaker) else f"{path},{attempts[speaker].tier}:draft"


def drafted(attempts: Sequence[Attempt], speaker: int | None) -> bool:
    """Whether the client got an answer that was not good enough, because everybody above it failed."""
    return speaker is not None and speaker < len(attempts) - 1 and attempts[speaker].result == "served"


@frozen
class Evidence:
    """What was learned later about how well a tier answers a request."""

    id: str
    """The request's."""
    route: str
    state: str
    """The route's when the request was served: evidence about another state says nothing about this one."""
    band: int | None
    tier: str
    """Whose answer was judged."""
    score: float
    """How good that was, from 0 to 1."""
    reference: float | None = None
    """How good the last tier's answer to the same request was; None when nobody knows."""
    measure: Literal["quality", "agreement"] = "quality"
    """Whether it is good, or only alike: a small model may be right where the large one is wrong."""
    source: Literal["feedback", "shadow", "explore", "grader", "judge"] = "feedback"
    weight: float = 1.0
    """One over the probability that this request was looked at."""
    start: str | None = None
    """Where the request started, when that is another tier: what was judged came of an escalation or a fallback."""
    passed: bool = True
    """Whether the tier's checks accept that answer; if not, whoever starts there gets the next tier's, at its price."""


@frozen
class Aside:
    """One call that no client waited for, or what kept it from being made."""

    id: str
    """The request's that it is about."""
    route: str
    start: str
    band: int | None
    kind: Literal["shadow", "judge"]
    tier: str
    """Whose answer was asked for; of a judge, whose answer it was asked about."""
    deployment: str
    """Empty when none was asked."""
    result: str
    """`answered`, `unreadable` (a judge's), a failure, or why nobody was asked: `budget`, `busy`, `open`, `queue`,
    `price` (nobody knows it), `retrieval` (no sources), `stale` (the route has changed since)."""
    usage: Usage | None = None
    cost: float | None = None
    """US dollars; None when the price or the usage is unknown."""
    seconds: float = 0.0


class Known(Protocol):
    """What is known of a request, whether it has ended or not."""

    @property
    def id(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def route_name(self) -> str | None: ...
    @property
    def stream(self) -> bool: ...
    @property
    def decision(self) -> Decision | None: ...
    @property
    def cache(self) -> Remembered: ...
    @property
    def found(self) -> Found | None: ...
    @property
    def heard(self) -> Attempt | None: ...
    @property
    def path(self) -> str: ...
    @property
    def cost(self) -> float | None: ...


def headers(known: Known) -> list[tuple[bytes, bytes]]:
    """The response headers of DESIGN §5, as far as they are known; on a stream, what is known when it begins."""
    decision = known.decision
    reason, threshold = None, None
    made = [(b"x-request-id", known.id.encode())]
    if decision:
        reason = decision.reason
        if decision.difficulty is not None:
            threshold = decision.threshold or 0.0
            made.append((b"x-router-difficulty", b"%.4f" % decision.difficulty))
    made += _placed(known.policy, known.cache, known.route_name, reason, threshold)
    if heard := known.heard:
        made += _answered(heard.tier, heard.deployment, known.path or _joined(known))
        if heard.sources:
            made.append((b"x-router-sources", _listed(heard.sources)))
        if not known.stream and (cost := known.cost) is not None:
            made.append((b"x-router-cost-usd", b"%.9f" % cost))
    return made


@lru_cache(maxsize=1024)
def _placed(
    policy: str, cache: str, route: str | None, reason: str | None, threshold: float | None
) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that many requests have in common, for where they were taken."""
    made = (
        (b"x-router-policy", policy),
        (b"x-router-cache", cache),
        (b"x-router-route", route),
        (b"x-router-reason", reason),
        (b"x-router-threshold", None if threshold is None else f"{threshold:.4f}"),
    )
    return tuple((name, value.encode()) for name, value in made if value is not None)


@lru_cache(maxsize=1024)
def _answered(tier: str, deployment: str, path: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that many requests have in common, for who answered them."""
    made = ((b"x-router-tier", tier), (b"x-router-deployment", deployment), (b"x-router-path", path or None))
    return tuple((name, value.encode()) for name, value in made if value is not None)


def _joined(known: Known) -> str:
    """The path of the request that this one joined: its client is told of a draft, or of who failed, like the other."""
    return known.found.path if known.found is not None and known.cache == "joined" else ""


def _listed(sources: tuple[str, ...]) -> bytes:
    """Ids with commas between them, each quoted as in a URL; as many as a header may hold."""
    listed = ",".join(quote(each, safe="-._~:/#@") for each in sources)
    return listed[:_LONGEST_LIST].rpartition(",")[0].encode() if len(listed) > _LONGEST_LIST else listed.encode()


def ended(told: dict[str, object], names: tuple[str, ...], alike: tuple[object, ...]) -> bytes:
    """One line of JSON: what is told of one request, then what it has in common with many, which is written once."""
    return orjson.dumps(told, default=str)[:-1] + _ending(names, alike)


@lru_cache(maxsize=4096)
def _ending(names: tuple[str, ...], alike: tuple[object, ...]) -> bytes:
    ending = orjson.dumps(dict(zip(names, alike, strict=True)), default=str, option=orjson.OPT_APPEND_NEWLINE)
    return b"," + ending[1:]


def rounded(value: float | None, parts: float) -> float | None:
    """A number to so many parts of one (`MICRO`: millionths); six times as fast as `round` with digits."""
    return None if value is None else round(value * parts) / parts
