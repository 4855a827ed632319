"""What YAML may say about a deployment: one model at one address with one price."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from router.policy.block import Block
from router.policy.prompting import Tune
from router.policy.values import BaseUrl, Count, Duration, Flag, Secret, Text, Usd, wrong

_NEVER_DROPPED = frozenset({"messages", "model", "stream"})
"""Without these a request is another one."""


class Price(Block):
    """What tokens cost, in US dollars per million."""

    input: Usd = Field(description="US dollars per million prompt tokens.", examples=[0.05])
    output: Usd = Field(description="US dollars per million completion tokens.", examples=[0.20])
    cached_input: Usd | None = Field(
        default=None,
        description="US dollars per million prompt tokens read from the upstream's cache; omitted: as `input`.",
        examples=[0.01],
    )


class HourlyPrice(Block):
    """What a host of one's own costs, whether it is busy or idle."""

    per_hour: Usd = Field(
        description="US dollars per hour for a host of one's own, instead of `input` and `output`.", examples=[2.40]
    )


class Timeout(Block):
    """How long one attempt may take, in seconds or as durations."""

    connect: Duration = Field(default=5.0, description="How long to wait for a connection.", examples=[2])
    first_byte: Duration = Field(
        default=60.0, description="How long a stream may take until its first byte; streams only.", examples=[15]
    )
    idle: Duration = Field(
        default=60.0, description="How long a stream may pause between two bytes; streams only.", examples=[15]
    )
    total: Duration = Field(
        default=600.0,
        description="How long one attempt may take in all, committed streams included; "
        "for a whole answer the only limit but `connect`.",
        examples=["2m"],
    )


class Breaker(Block):
    """When a failing deployment is left alone, and for how long."""

    failures: Count = Field(default=5, description="Consecutive failures that open the breaker.", examples=[3])
    open_for: Duration = Field(
        default=10.0, description="How long an open breaker waits before one probe is let through.", examples=["30s"]
    )


class Supports(Block):
    """What a model can do; unknown (omitted) is assumed to be yes."""

    tools: Flag | None = Field(default=None, description="Whether the model can call tools.", examples=[True])
    images: Flag | None = Field(default=None, description="Whether the model can read images.", examples=[False])
    audio: Flag | None = Field(default=None, description="Whether the model can hear audio.", examples=[False])
    json_schema: Flag | None = Field(
        default=None, description="Whether the model can answer in a given JSON schema.", examples=[True]
    )


def _kind_of_price(value: object) -> str:
    """Tell the two price shapes apart; the tags never show in a fault's field path."""
    hourly = "per_hour" in value if isinstance(value, Mapping) else isinstance(value, HourlyPrice)
    return "<hourly>" if hourly else "<tokens>"


AnyPrice = Annotated[
    Annotated[Price, Tag("<tokens>")] | Annotated[HourlyPrice, Tag("<hourly>")], Discriminator(_kind_of_price)
]


def _droppable(name: str) -> str:
    if name in _NEVER_DROPPED:
        raise wrong(f"'{name}' cannot be left out of a request")
    return name


class Deployment(Block):
    """One model at one address with one price."""

    base_url: BaseUrl | None = Field(
        default=None,
        description="Address of an OpenAI-compatible server up to `/v1`; needed unless `provider` is given.",
        examples=["http://127.0.0.1:8001/v1"],
    )
    provider: Text | None = Field(
        default=None,
        description="A provider LiteLLM speaks; omitted means OpenAI-compatible at `base_url`.",
        examples=["anthropic"],
    )
    model: Text = Field(description="The name sent upstream as `model`.", examples=["support-8b-v3"])
    api_key: Secret = Field(
        default=None,
        description="The key sent upstream; empty or omitted sends none, and it is never shown, logged or hashed.",
        examples=["${TUNED_API_KEY:-}"],
    )
    price: AnyPrice | None = Field(
        default=None,
        description="US dollars per million tokens or per hour; omitted: looked up, and unknown is never counted as 0.",
        examples=[{"input": 0.05, "output": 0.20}],
    )
    context_window: Count | None = Field(
        default=None,
        description="How many tokens fit; omitted it is looked up, and unknown means unlimited.",
        examples=[32768],
    )
    concurrency: Count | None = Field(
        default=None, description="How many attempts may run here at once; omitted means unlimited.", examples=[64]
    )
    when_full: Literal["queue", "spill"] = Field(
        default="queue",
        description="At the limit, `queue` waits for a place and `spill` goes on to the next deployment or tier.",
        examples=["spill"],
    )
    timeout: Timeout = Field(
        default=Timeout(), description="Limits of one attempt.", examples=[{"connect": 2, "total": "2m"}]
    )
    breaker: Breaker = Field(
        default=Breaker(), description="When to leave a failing deployment alone.", examples=[{"failures": 3}]
    )
    labels: Mapping[Text, Text] = Field(
        default={}, description="Facts a rule may `require`.", examples=[{"region": "eu", "private": "true"}]
    )
    supports: Supports = Field(
        default=Supports(),
        description="What the model can do; a request that needs more never starts here.",
        examples=[{"tools": True, "images": False}],
    )
    drop: tuple[Annotated[Text, AfterValidator(_droppable)], ...] = Field(
        default=(),
        description="Request fields this deployment refuses: they are left out of what it is sent, and counted.",
        examples=[["seed", "logit_bias"]],
    )
    tune: Tune | None = Field(
        default=None,
        description="The fine-tune it serves, with the prompt that was used to train it.",
        examples=[{"id": "v3", "base": "llama-3.1-8b"}],
    )
