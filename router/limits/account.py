"""What was used of one key's limits, how that wears off, and how long to wait for more.

Requests and tokens of a minute are leaky buckets, the GCRA as a continuous-state leaky bucket (ITU-T Recommendation
I.371, annex A): a key may ask for a minute's worth at once, then for as much as drains. There is no edge of a minute at
which it could do so twice. Money belongs to the day and the month, of UTC, in which it was spent. The store's script
does the same.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

import orjson

from router.frozen import frozen
from router.policy.limits import Allowance

__all__ = ["Account", "Kind", "Wait", "month_of", "sharing"]

Kind = Literal["requests", "tokens", "parallel", "day", "month"]

_MINUTE, _DAY = 60.0, 86400
_SLACK = 1e-6
"""This part of a limit may be missing, which drains within 0.1 ms: clocks and numbers in writing are no finer."""
_PLACE = 1.0
"""Seconds after which a place may be free again: nobody knows."""


@frozen
class Wait:
    """What keeps a request from being begun, and for how long."""

    kind: Kind
    seconds: float


@dataclass(slots=True)
class Account:
    """What was used, as of `at` (seconds since 1970)."""

    at: float
    requests: float = 0.0
    """The level of the minute's requests: it drains at the limit's rate."""
    tokens: float = 0.0
    day: int = 0
    """Days since 1970 that `usd_day` belongs to."""
    usd_day: float = 0.0
    month: int = 0
    """Months since the year 0 that `usd_month` belongs to."""
    usd_month: float = 0.0
    held: int = 0
    """Places that are taken."""

    def advance(self, now: float, allowance: Allowance) -> None:
        """Let time pass; a clock that goes back lets none pass."""
        passed = max(0.0, now - self.at)
        self.at = now
        if passed:
            self.requests = max(0.0, self.requests - passed / _MINUTE * (allowance.requests or math.inf))
            self.tokens = max(0.0, self.tokens - passed / _MINUTE * (allowance.tokens or math.inf))
        day, month = int(now // _DAY), month_of(now)
        if day != self.day:
            self.day, self.usd_day = day, 0.0
        if month != self.month:
            self.month, self.usd_month = month, 0.0

    def waits(self, allowance: Allowance, tokens: float) -> list[Wait]:
        """What keeps a request of so many tokens from being begun now, if anything."""
        found: list[Wait] = []
        if allowance.usd_per_month is not None and self.usd_month >= allowance.usd_per_month:
            found.append(Wait("month", _next_month(self.month) - self.at))
        if allowance.usd_per_day is not None and self.usd_day >= allowance.usd_per_day:
            found.append(Wait("day", (self.day + 1) * _DAY - self.at))
        if (
            allowance.requests is not None
            and (over := self.requests + 1 - allowance.requests) > allowance.requests * _SLACK
        ):
            found.append(Wait("requests", over * _MINUTE / allowance.requests))
        if (
            allowance.tokens is not None
            and (over := self.tokens + tokens - allowance.tokens) > allowance.tokens * _SLACK
        ):
            found.append(Wait("tokens", over * _MINUTE / allowance.tokens))
        if allowance.parallel is not None and self.held >= allowance.parallel:
            found.append(Wait("parallel", _PLACE))
        return found

    def take(self, tokens: float) -> None:
        """Begin a request of so many tokens."""
        self.requests += 1
        self.tokens += tokens
        self.held += 1

    def settle(self, tokens: float, usd: float) -> None:
        """So many tokens more, or fewer, than were taken, and so many dollars were used."""
        self.tokens = max(0.0, self.tokens + tokens)
        self.usd_day += usd
        self.usd_month += usd

    def scaled(self, share: float) -> Self:
        """A share of what was used of each minute; what was spent stays whole."""
        return replace(self, requests=self.requests * share, tokens=self.tokens * share)

    def content(self) -> bytes:
        """It in writing, as the script writes it too."""
        said = {"t": self.at, "r": self.requests, "k": self.tokens}
        return orjson.dumps({**said, "day": self.day, "d": self.usd_day, "month": self.month, "m": self.usd_month})

    @classmethod
    def read(cls, content: bytes | None, now: float) -> Self:
        """Read one that was written down; what cannot be read, or is not there, has used nothing."""
        try:
            said: dict[str, Any] = orjson.loads(content or b"")
            at, requests, tokens, usd_day, usd_month = (float(said[name]) for name in ("t", "r", "k", "d", "m"))
            day, month = int(said["day"]), int(said["month"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return cls(now)
        who = said.get("who")
        held = sum(int(it[0]) for it in who.values() if it[1] > now) if isinstance(who, dict) else 0
        return cls(at, requests, tokens, day, usd_day, month, usd_month, held)


def sharing(allowance: Allowance, known: Account, share: float) -> Allowance:
    """What a server may let a key have that cannot ask the others: its share, and of money that of what was left."""

    def of_minute(most: float | None) -> float | None:
        return None if most is None else max(1.0, most * share)

    def of_money(most: float | None, spent: float) -> float | None:
        return None if most is None else spent + max(0.0, most - spent) * share

    return replace(
        allowance,
        requests=of_minute(allowance.requests),
        tokens=of_minute(allowance.tokens),
        parallel=None if allowance.parallel is None else max(1, int(allowance.parallel * share)),
        usd_per_day=of_money(allowance.usd_per_day, known.usd_day),
        usd_per_month=of_money(allowance.usd_per_month, known.usd_month),
    )


def month_of(now: float) -> int:
    """Months since the year 0 of a moment, in UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.year * 12 + moment.month - 1


def _next_month(month: int) -> float:
    """When the month after one begins."""
    year, index = divmod(month + 1, 12)
    return datetime(year, index + 1, 1, tzinfo=UTC).timestamp()
