"""What YAML may say about learning from traffic: requests that start lower than they would, answers asked for aside."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from router.policy.block import Block
from router.policy.values import Count, Share, Text, Usd, read_share, read_text, shown, wrong


class Explore(Block):
    """How often a request starts one tier lower than its difficulty says, so that its route learns how that goes."""

    rate: Share = Field(
        default=0.0,
        description=(
            "The share of requests above a threshold that start one tier down, at most 0.5; never where rules, the "
            "client, its session, novelty or money say where to start."
        ),
        examples=[0.02],
    )

    @model_validator(mode="after")
    def _explores_the_smaller_part(self) -> Self:
        if self.rate > 0.5:
            raise wrong(f"rate is at most 0.5, so that most requests go where the policy sends them; got {self.rate:g}")
        return self


def _read_rate(value: object) -> object:
    """Read one share for every tier, or one for each."""
    try:
        if isinstance(value, Mapping):
            return {read_text(name): read_share(share) for name, share in value.items()}
        return read_share(value)
    except PydanticCustomError:
        told = "must be a number from 0 to 1, or one for each tier such as {tuned: 0.2, frontier: 0.01}"
        raise wrong(f"{told}; got {_written(value)}") from None


def _written(value: object) -> str:
    if not isinstance(value, Mapping):
        return shown(value)
    return ", ".join(f"{shown(name).strip(chr(39))}: {shown(share)}" for name, share in value.items())


Rate = Annotated[
    float | Mapping[str, float],
    BeforeValidator(_read_rate),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "object"}]}),
]


class Judge(Block):
    """Which deployment scores two answers, blind and in both orders."""

    deployment: Text = Field(description="A deployment of this policy.", examples=["frontier-a"])
    prompt: Text | None = Field(
        default=None,
        description='A file with what it is told, which must ask for `{"a": N, "b": N}`, 0 to 10; omitted: our words.',
        examples=["prompts/judge.md"],
    )


class Shadow(Block):
    """What is asked of other tiers after a client was served, and how their answers are compared."""

    ask: Literal["others"] = Field(
        default="others",
        description="Who is asked: `others`, every tier of the cascade that could have answered and was not asked.",
        examples=["others"],
    )
    rate: Rate = Field(
        default=0.05,
        description="The share of requests, by the tier that served them, or one for all tiers; a tier left out: 0.",
        examples=[{"tuned": 0.2, "frontier": 0.01}],
    )
    usd_per_hour: Usd = Field(
        default=1.0, description="US dollars that shadows and judges of this route may cost in any hour.", examples=[2]
    )
    concurrency: Count = Field(default=2, description="How many requests are shadowed at once.", examples=[4])
    compare: Literal["auto", "exact", "json", "numeric", "f1", "judge"] = Field(
        default="auto",
        description=(
            "How answers are compared: `exact`, `json`, `numeric`, `f1` (shared words), `judge`, or `auto`: by their "
            "shape, and prose by the judge where there is one."
        ),
        examples=["json"],
    )
    judge: Judge | None = Field(
        default=None,
        description="Who scores answers that cannot be compared as values.",
        examples=[{"deployment": "frontier-a"}],
    )

    @model_validator(mode="after")
    def _has_its_judge(self) -> Self:
        if self.compare == "judge" and self.judge is None:
            raise wrong("compare: judge needs a judge, such as judge: {deployment: frontier-a}")
        if self.judge is not None and self.compare not in {"auto", "judge"}:
            raise wrong(f"compare: {self.compare} never asks the judge; write auto or judge, or remove the judge")
        return self

    def rate_of(self, tier: str) -> float:
        """The share of the requests that a tier served which are looked at."""
        return self.rate.get(tier, 0.0) if isinstance(self.rate, Mapping) else self.rate
