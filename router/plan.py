"""What a policy comes to once it is read, priced and compiled: one frozen value, until a reload swaps it.

Every name a client may put in `model` (a route, a tier, a deployment) is a `Route` here, so nothing asks which it was.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.chat import ChatRequest
from router.comparing import Method
from router.control import Ground
from router.conversation import Session
from router.difficulty import Estimator
from router.frozen import frozen
from router.policy.schema import Breaker, Timeout, Tune
from router.pricing import Price
from router.prompts import Context, Handoff, Prompt
from router.rules import Rule
from router.signals import Signals
from router.verify import Check, Judge

__all__ = [
    "ALL",
    "Deployment",
    "Kind",
    "Plan",
    "Referee",
    "Remember",
    "Route",
    "Rung",
    "Shadowing",
    "Staying",
    "Steering",
    "Step",
    "Tier",
]

Kind = Literal["route", "tier", "deployment"]

ALL = -1
"""`hold: all`: every chunk is held back until the answer has been judged."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One model at one address with one price. `None` for the window means unlimited, for the price unknown."""

    name: str
    model: str
    base_url: str | None
    provider: str | None
    api_key: str | None = field(repr=False)
    price: Price | None
    context_window: int | None
    concurrency: int | None
    spills: bool
    """When it is full: the next deployment's turn (True), or wait (False)."""
    timeout: Timeout
    breaker: Breaker
    labels: Mapping[str, str]
    lacks: frozenset[str]
    """Which of tools, images, audio, json_schema it is known not to support."""
    tune: Tune | None = None
    """The fine-tune it serves; what that one's prompt comes to is in `Tier.prompts`."""
    drop: frozenset[str] = frozenset()
    """Fields of requests that it is not sent."""

    @property
    def voice(self) -> str:
        """Whose words its answers are: deployments of one voice understand each other's reasoning and call ids."""
        return f"{self.provider or ''}/{self.model}"


@dataclass(frozen=True, slots=True)
class Tier:
    """A rung's worth of deployments, how its answers are judged, and what it adds to a request."""

    name: str
    deployments: tuple[Deployment, ...]
    checks: tuple[Check, ...]
    hold: int | None
    """Useful chunks held back for checks; ALL; None: ALL where a tool or a format is asked for, otherwise 0."""
    params: Mapping[str, Any]
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    """What is added to a request, by deployment: its tune's own prompt, else the tier's."""
    handoff: Handoff | None = None
    """What the next tier is told about an answer of this one that was not good enough; None: nothing."""
    judge: Judge | None = None
    """Who else is asked what its answers are worth."""
    context: Context | None = None
    """Where the sources come from that its requests are answered with."""
    affinity: bool = False
    """Whether a conversation keeps coming back to the same deployment, rather than to the least busy one."""

    reads_logprobs: bool = field(init=False)
    """Whether one of its checks needs log probabilities."""
    window: float = field(init=False, repr=False, compare=False)
    """The smallest context window of its deployments: what fits it fits them all."""
    lacks: frozenset[str] = field(init=False, repr=False, compare=False)
    """What any of them is known not to support."""

    def __post_init__(self) -> None:
        """Work out once what follows for every request."""
        windows = [each.context_window for each in self.deployments if each.context_window is not None]
        object.__setattr__(self, "reads_logprobs", any(check.reads_logprobs for check in self.checks))
        object.__setattr__(self, "window", min(windows, default=math.inf))
        object.__setattr__(self, "lacks", frozenset().union(*(each.lacks for each in self.deployments)))


@frozen
class Step:
    """A tier, and those of its deployments that may see a request."""

    tier: Tier
    deployments: tuple[Deployment, ...]


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier of a cascade. A request may start here while its difficulty for this tier lies below `below`."""

    tier: Tier
    below: float


@dataclass(frozen=True, slots=True)
class Referee:
    """Who scores two answers."""

    deployment: Deployment
    prompt: str


@dataclass(frozen=True, slots=True)
class Shadowing:
    """What is asked after a client was served."""

    rates: Mapping[str, float]
    """The share of requests that are looked at, by the tier that served them."""
    usd_per_hour: float
    concurrency: int
    method: Method | None = None
    """How answers are compared; None: as suits them."""
    referee: Referee | None = None
    always_judges: bool = False
    """Whether the referee is asked about answers too that can be compared as values."""


@dataclass(frozen=True, slots=True)
class Steering:
    """How control may move a route's first threshold."""

    ground: Ground
    applies: bool
    """Whether it does what it says (`apply`), or says it only (`observe`)."""
    every: float
    """Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Staying:
    """How conversations of a route stay where they are."""

    begins: Session
    """One that nothing is known of yet."""
    pins: bool
    """Whether one never starts below the tier that it has come to."""
    deescalates: bool
    """Whether one may all the same go back down where that is worth more than the prompt cache it loses."""
    affinity: bool
    """Whether a tier wants to see a conversation at the same deployment from its first turn on."""
    mixed: bool
    """Whether there are several models, so that what one wrote for itself must be kept from the others."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Which of a route's answers are given again to equal requests, and what its tiers make of a request."""

    ttl: float
    """Seconds."""
    sampled: bool
    """Whether answers to a temperature above 0 are remembered too."""
    max_size: int
    temperature: float = 1.0
    """The highest that a tier sets where the client says nothing."""
    filled: frozenset[str] = frozenset()
    """Fields that some tier sets where the client says nothing."""
    reads_metadata: bool = False
    """Whether a prompt says what the client says in `metadata`."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a name in `model` stands for: tiers in order, cheapest first, and how to choose where to start."""

    name: str
    kind: Kind
    cascade: tuple[Rung, ...]
    estimate: Estimator | None
    """None where there is nothing to choose."""
    rules: tuple[Rule, ...]
    deadline: float
    """Seconds for the whole request."""
    max_cost: float | None = None
    """US dollars a request may be expected to cost, whatever is tried."""
    handoff: Handoff | None = None
    """In place of its tiers'; None: theirs."""
    explain: Callable[[ChatRequest, Signals], list[tuple[str, float]]] | None = None
    """What moved an estimate most, in words, each with how far; None where there is nothing to explain."""
    steering: Steering | None = None
    """None where there is nothing to aim for, or nothing to choose."""
    state: str = ""
    """Changes with whatever makes what was learned about this route worthless: tiers, prompts, models, tunes, aims."""
    answers: str = ""
    """Changes with whatever may change an answer: what was remembered under another value is never given."""
    remember: Remember | None = None
    """None: nothing is, and equal requests are each asked for themselves."""
    scope: float | None = None
    """A request of a greater novelty starts at the last tier; None: none is too novel."""
    keepalive: float | None = None
    """Seconds of silence after which a comment keeps a stream's connection open; None: silence is silence."""
    sessions: Staying | None = None
    """How its conversations stay where they are; None: there is nothing to choose, or it was not wanted."""
    explore: float = 0.0
    """The share of requests that start one tier lower than their difficulty says, to learn how that goes."""
    shadow: Shadowing | None = None
    steps: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    """Its tiers, each with all of its deployments: what a request begins with that nothing is required of."""
    window: float = field(init=False, repr=False, compare=False)
    """The smallest context window of its tiers: what fits it fits them all."""
    place: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """Where in the cascade a tier stands, by name."""

    def __post_init__(self) -> None:
        """Work out once what follows for every request."""
        object.__setattr__(self, "steps", tuple(Step(rung.tier, rung.tier.deployments) for rung in self.cascade))
        object.__setattr__(self, "window", min((rung.tier.window for rung in self.cascade), default=math.inf))
        object.__setattr__(self, "place", {rung.tier.name: place for place, rung in enumerate(self.cascade)})


@dataclass(frozen=True, slots=True)
class Plan:
    """One policy at work."""

    version: str
    routes: Mapping[str, Route]
    """By every name a client may use."""
    tiers: Mapping[str, Tier]
    deployments: Mapping[str, Deployment]
    reads_pii: bool
    """Whether any rule looks for personal data, so that signals must."""
    max_body: int
    max_inflight: int
    created: int
    """When it was made, in seconds since 1970."""
