"""What YAML may say about learning from traffic: requests that start lower than they would, answers asked for aside."""

from typing import Self

from pydantic import Field, model_validator

from router.policy.block import Block
from router.policy.values import Share, wrong


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
