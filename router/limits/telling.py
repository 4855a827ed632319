"""What a client hears of its limits, as OpenAI says it: which of them keeps it waiting until when, and what is left."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from router.errors import BadRequest, LimitReached, OutOfMoney
from router.limits.account import Account, Wait
from router.policy.limits import Allowance

__all__ = ["duration", "headers", "never", "refusal"]

_PATIENCE = 60.0
"""Seconds that OpenAI's clients wait at most before they ask again; of what takes longer they are told not to."""


def refusal(allowance: Allowance, waits: Sequence[Wait], now: float) -> LimitReached:
    """The error that tells which limit is reached and when to come back; `now` in seconds since 1970."""
    wait = max(waits, key=lambda one: one.seconds)
    after = math.ceil(wait.seconds - 1e-6)
    told = {"retry-after": str(max(1, after)), **_headers_of(wait)}
    if wait.kind in {"day", "month"}:
        usd = allowance.usd_per_day if wait.kind == "day" else allowance.usd_per_month
        until = datetime.fromtimestamp(now, UTC) + timedelta(seconds=wait.seconds)
        what = f"the {_plain(usd)} USD per {wait.kind} are spent, until {until:%Y-%m-%d %H:%M} UTC"
        return OutOfMoney(f"{_whose(allowance)}: {what}", headers=told)
    if wait.kind == "parallel":
        what = f"{allowance.parallel} at the same time; try again when one has ended"
    else:
        most = allowance.requests if wait.kind == "requests" else allowance.tokens
        what = f"{_plain(most)} {wait.kind} per minute; try again in {duration(wait.seconds)}"
    error = LimitReached(f"{_whose(allowance)}: {what}", headers=told)
    error.type = "tokens" if wait.kind == "tokens" else "requests"
    return error


def never(allowance: Allowance, tokens: int) -> BadRequest:
    """The error for a prompt that is larger than a whole minute's tokens: waiting would not help."""
    told = f"{_whose(allowance)}: {_plain(allowance.tokens)} tokens per minute, and the prompt alone has about {tokens}"
    return BadRequest(f"{told}; shorten it", code="prompt_exceeds_limit")


def headers(allowance: Allowance, account: Account, mine: Allowance) -> list[tuple[bytes, bytes]]:
    """What is left, for an answer's head; `mine` is what this server may give of it."""
    told: list[tuple[bytes, bytes]] = []
    for name, most, left, level in (
        (b"requests", allowance.requests, mine.requests, account.requests),
        (b"tokens", allowance.tokens, mine.tokens, account.tokens),
    ):
        if most is not None and left is not None:
            told += (
                (b"x-ratelimit-limit-" + name, b"%d" % most),
                (b"x-ratelimit-remaining-" + name, b"%d" % max(0, math.floor(left - level + 1e-6))),
                (b"x-ratelimit-reset-" + name, duration(level * 60 / left).encode()),
            )
    return told


def duration(seconds: float) -> str:
    """Write seconds as OpenAI does in these headers: `0s`, `120ms`, `1.5s`, `6m0s`."""
    milliseconds = math.ceil(seconds * 1000 - 1e-6)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds > 0 else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    if minutes:
        hours, minutes = divmod(minutes, 60)
        return (f"{hours}h" if hours else "") + f"{minutes}m{math.ceil(rest / 1000):d}s"
    return f"{rest / 1000:g}s"


def _headers_of(wait: Wait) -> dict[str, str]:
    """When OpenAI's clients ask again by themselves."""
    if wait.seconds > _PATIENCE:
        return {"x-should-retry": "false"}
    return {"retry-after-ms": str(max(1, math.ceil(wait.seconds * 1000 - 1e-6)))}


def _plain(number: float | None) -> str:
    """Write a number as a policy has it: never as `2e+06`."""
    return f"{number or 0:.9f}".rstrip("0").rstrip(".")


def _whose(allowance: Allowance) -> str:
    """Which limit of which key."""
    if allowance.tenant is None:
        return f"limit '{allowance.name}' is reached"
    shared = ", which its keys share" if allowance.account[0] == "limit" else ""
    return f"key '{allowance.tenant}' has reached the limit '{allowance.name}'{shared}"
