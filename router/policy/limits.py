"""What YAML may say about how much a key may ask for and spend, and which of it holds for whom."""

from collections.abc import Mapping

from pydantic import Field

from router.frozen import frozen
from router.policy.block import Block
from router.policy.values import Count, Flag, Text, Usd

__all__ = ["KINDS", "Allowance", "Limit", "allowance"]


KINDS = ("requests_per_minute", "tokens_per_minute", "parallel", "usd_per_day", "usd_per_month")
"""The limits that a policy may set."""


class Limit(Block):
    """How much each key that it names may ask for and spend; without `keys` and `labels`, every key no other names."""

    keys: tuple[Text, ...] = Field(
        default=(), description="The names of the keys that it holds for.", examples=[["support-desk", "billing-desk"]]
    )
    labels: Mapping[Text, Text] = Field(
        default={},
        description="It holds for keys that carry all of these labels, unless a limit names them.",
        examples=[{"team": "batch"}],
    )
    shared: Flag = Field(
        default=False,
        description="Whether all keys that it holds for have it together; otherwise each has it for itself.",
        examples=[True],
    )
    requests_per_minute: Count | None = Field(
        default=None, description="Requests in a minute; omitted, as each of these: no such limit.", examples=[600]
    )
    tokens_per_minute: Count | None = Field(
        default=None, description="Tokens in a minute, prompts and answers together.", examples=[200_000]
    )
    parallel: Count | None = Field(
        default=None, description="Requests that are being answered at the same time.", examples=[32]
    )
    usd_per_day: Usd | None = Field(
        default=None, description="US dollars in a day (UTC); none begins once they are spent.", examples=[20]
    )
    usd_per_month: Usd | None = Field(default=None, description="US dollars in a calendar month (UTC).", examples=[300])

    @property
    def is_default(self) -> bool:
        """Whether it holds for whoever no other limit names."""
        return not self.keys and not self.labels

    @property
    def limits(self) -> bool:
        """Whether there is anything that it limits."""
        return any(getattr(self, name) is not None for name in KINDS)


@frozen
class Allowance:
    """What one key may ask for and spend, and on whose account."""

    name: str
    """The limit's, in the policy."""
    tenant: str | None
    """The key's name; None where nobody has one, and everybody is the same."""
    account: tuple[str, ...]
    """What tells the account from others: the key's, or that of all who share the limit."""
    requests: float | None = None
    """In a minute."""
    tokens: float | None = None
    """In a minute."""
    parallel: int | None = None
    usd_per_day: float | None = None
    usd_per_month: float | None = None


def allowance(limits: Mapping[str, Limit], tenant: str | None, labels: Mapping[str, str]) -> Allowance | None:
    """What a key may do: as the limit says that names it, else the first whose labels it has, else the default.

    None where nothing is limited. An account goes by the key's name, as everything that is kept of a key does.
    """
    for name, limit in _those_for(limits, tenant, labels):
        if not limit.limits:
            return None
        own = ("anybody",) if tenant is None else ("key", tenant)
        return Allowance(
            name,
            tenant,
            ("limit", name) if limit.shared else own,
            limit.requests_per_minute,
            limit.tokens_per_minute,
            limit.parallel,
            limit.usd_per_day,
            limit.usd_per_month,
        )
    return None


def _those_for(limits: Mapping[str, Limit], tenant: str | None, labels: Mapping[str, str]) -> list[tuple[str, Limit]]:
    """The limits that hold for a key, the one that counts first."""
    named = [(name, limit) for name, limit in limits.items() if tenant in limit.keys]
    labelled = [
        (name, limit) for name, limit in limits.items() if limit.labels and limit.labels.items() <= labels.items()
    ]
    return [*named, *labelled, *((name, limit) for name, limit in limits.items() if limit.is_default)]
