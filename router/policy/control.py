"""What YAML may say about objectives, about how control may reach them, and about where it reads and tells."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from router.policy.block import Block
from router.policy.values import Duration, Secret, Share, Text, Usd, read_base_url, read_share, shown, wrong

__all__ = ["Control", "CostAim", "EscalationAim", "Grafana", "LatencyAim", "Objectives", "Prometheus", "QualityAim"]


def _read_bounds(value: object) -> tuple[float, float]:
    """Read two thresholds, the lower one first."""
    told = f"must be two thresholds from 0 to 1, the lower one first, such as [0.0, 0.95]; got {shown(value)}"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise wrong(told)
    try:
        low, high = (read_share(each) for each in value)
    except PydanticCustomError:
        raise wrong(told) from None
    if low > high:
        raise wrong(told)
    return low, high


Bounds = Annotated[
    tuple[float, float],
    BeforeValidator(_read_bounds),
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]


def _read_address(value: object) -> str:
    """Read the address of a server that is no deployment."""
    if isinstance(value, str) and "@" in value.partition("://")[2].partition("/")[0]:
        raise wrong("an address must not hold a user or password; give a token as token: ${VARIABLE}")
    return read_base_url(value)


Address = Annotated[str, BeforeValidator(_read_address), WithJsonSchema({"type": "string"})]


class QualityAim(Block):
    """How good answers must be."""

    min: Share = Field(
        description="What is served must be worth at least this share of what the last tier's answers are.",
        examples=[0.95],
    )
    confidence: Share = Field(
        default=0.95, description="How sure that must be before more starts at the first tier.", examples=[0.95]
    )

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not 0.5 <= self.confidence < 1:
            raise wrong(f"confidence must be at least 0.5 and less than 1; got {self.confidence:g}")
        return self


class LatencyAim(Block):
    """How long requests may take."""

    max: Duration = Field(description="Nineteen of twenty requests must take no longer.", examples=[2.0])


class CostAim(Block):
    """What requests may cost."""

    max: Usd = Field(description="US dollars a request may cost on average.", examples=[0.002])


class EscalationAim(Block):
    """How often the first tier's answers may be not good enough."""

    max: Share = Field(
        description="Of the requests that start at the first tier, the share that may be escalated.", examples=[0.15]
    )


class Objectives(Block):
    """What a route's thresholds are moved for; where not all can be met: quality, then latency, then cost."""

    quality: QualityAim | None = Field(
        default=None,
        description="A floor under quality; without one no threshold is ever raised.",
        examples=[{"min": 0.95, "confidence": 0.95}],
    )
    latency_p95_seconds: LatencyAim | None = Field(
        default=None, description="A limit of the 95th percentile of seconds.", examples=[{"max": 2.0}]
    )
    cost_per_request_usd: CostAim | None = Field(
        default=None, description="A limit of the mean cost of a request.", examples=[{"max": 0.002}]
    )
    escalation_rate: EscalationAim | None = Field(
        default=None, description="A guard: how often it may not have been worth trying.", examples=[{"max": 0.15}]
    )


class Control(Block):
    """How thresholds may move; they are the first tier's."""

    mode: Literal["observe", "apply"] = Field(
        default="observe",
        description="`observe` says what it would do and changes nothing; `apply` does it.",
        examples=["apply"],
    )
    every: Duration = Field(default=60.0, description="How often it looks.", examples=["60s"])
    window: Duration = Field(
        default=900.0, description="How much traffic it judges at once; one move in each at most.", examples=["15m"]
    )
    evidence: Duration = Field(
        default=7 * 86400.0, description="How long what was learned about quality counts.", examples=["7d"]
    )
    step: Share = Field(
        default=0.05,
        description="The share of traffic whose start one move may change at most.",
        examples=[0.05],
    )
    bounds: Bounds = Field(
        default=(0.0, 0.95), description="The lowest and the highest threshold it may choose.", examples=[[0.0, 0.95]]
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.every > self.window:
            raise wrong(f"looks less often (every {self.every:g}s) than a window is long ({self.window:g}s)")
        if self.window > self.evidence / 2:
            raise wrong("evidence must be kept for at least two windows")
        if self.step == 0:
            raise wrong("a step of 0 moves nothing; remove it, or write mode: observe")
        return self


class Prometheus(Block):
    """Where control reads what was measured."""

    url: Address = Field(
        description="The server's address; it scrapes every replica.", examples=["http://127.0.0.1:9090"]
    )
    token: Secret = Field(default=None, description="A bearer token.", examples=["${PROMETHEUS_TOKEN}"])
    ca: Text | None = Field(
        default=None,
        description="A file with the certificates to trust instead of the usual ones.",
        examples=["ca.pem"],
    )
    timeout: Duration = Field(default=10.0, description="How long a query may take.", examples=["10s"])
    match: dict[Text, Text] = Field(
        default={},
        description="Labels that only this installation's series have, where one server scrapes several.",
        examples=[{"job": "smallfirst"}],
    )


class Grafana(Block):
    """Where moves are written on dashboards."""

    url: Address = Field(description="Grafana's address.", examples=["http://127.0.0.1:3000"])
    token: Secret = Field(
        default=None, description="A service account's token that may write annotations.", examples=["${GRAFANA_TOKEN}"]
    )
    ca: Text | None = Field(
        default=None,
        description="A file with the certificates to trust instead of the usual ones.",
        examples=["ca.pem"],
    )
