"""What YAML may say about answers that are remembered, and about where everything shared is kept."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from router.policy.block import Block
from router.policy.store_url import SharedUrl
from router.policy.values import Duration, Flag, Secret, Size, shown, wrong

__all__ = ["Cache", "Decisions", "Exact", "RouteCache", "switch"]


class Exact(Block):
    """Which answers are given again to equal requests, and for how long."""

    ttl: Duration = Field(default=3600.0, description="How long an answer is given again.", examples=["1h"])
    sampled: Flag = Field(
        default=False,
        description="Whether answers to a `temperature` above 0 are too; an absent temperature counts as 1.",
        examples=[True],
    )
    max_size: Size = Field(default=2**20, description="The largest answer that is kept.", examples=["1MiB"])


def switch(example: str) -> BeforeValidator:
    """Read true (a block's defaults), false, or the block itself, such as `example`."""

    def read(value: object) -> Any:
        if value is True:
            return {}
        if value is False or value is None:
            return None
        if isinstance(value, Mapping | Block):
            return value
        raise wrong(f"must be true, false or a block such as {example}; got {shown(value)}")

    return BeforeValidator(read)


class RouteCache(Block):
    """What a route may answer from memory."""

    exact: Annotated[Exact | None, switch("{ttl: 1h}")] = Field(
        default=Exact(),
        description="Equal requests get the stored answer: `true`, `false`, or how.",
        examples=[{"ttl": "1h"}],
    )


class Decisions(Block):
    """For how long it can be asked what was decided about a request."""

    ttl: Duration = Field(default=86400.0, description="How long a decision can be asked for.", examples=["24h"])
    completions: Flag = Field(
        default=True,
        description=(
            "Whether a completion's `id` leads to its decision, and feedback may name it: a key more for each request."
        ),
        examples=[False],
    )


class Cache(Block):
    """Where answers and everything shared by several servers are kept."""

    url: SharedUrl = Field(
        default="memory://",
        description=(
            "Where shared state is kept: `memory://` (this process, and `state.path`), `embedded://` (a Valkey of its "
            "own, extra `embedded`), or a Redis: [redis.md](redis.md) has the addresses."
        ),
        examples=["redis://127.0.0.1:6379/0"],
    )
    memory: Size = Field(
        default=16 * 2**20, description="How much of the answers each process keeps itself.", examples=["64MiB"]
    )
    key: Secret = Field(
        default=None,
        description="The secret that stored answers are encrypted with, the same for all servers; omitted: none are.",
        examples=["${SMALLFIRST_CACHE_KEY:-}"],
    )
