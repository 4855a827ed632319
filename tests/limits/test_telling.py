"""What a client hears."""

from datetime import UTC, datetime

import orjson
import pytest

from router.limits.account import Account, Kind, Wait
from router.limits.telling import duration, headers, never, refusal
from router.policy.limits import Allowance

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
ANN = Allowance("everybody", "ann", ("key", "ann"), 60, 1000, 4, 20, 300)


@pytest.mark.parametrize(
    ("kind", "seconds", "told", "type_", "code", "headers"),
    [
        ("requests", 1.2034, "60 requests per minute; try again in 1.204s", "requests", "rate_limit_exceeded",
         {"retry-after": "2", "retry-after-ms": "1204"}),
        ("tokens", 90.5, "1000 tokens per minute; try again in 1m31s", "tokens", "rate_limit_exceeded",
         {"retry-after": "91", "x-should-retry": "false"}),
        ("parallel", 1.0, "4 at the same time; try again when one has ended", "requests", "rate_limit_exceeded",
         {"retry-after": "1", "retry-after-ms": "1000"}),
        ("day", 43200.0, "the 20 USD per day are spent, until 2026-11-23 00:00 UTC", "insufficient_quota",
         "insufficient_quota", {"retry-after": "43200", "x-should-retry": "false"}),
        ("month", 0.3, "the 300 USD per month are spent, until 2026-11-22 12:00 UTC", "insufficient_quota",
         "insufficient_quota", {"retry-after": "1", "retry-after-ms": "300"}),
    ],
)  # fmt: skip
def test_a_refusal_says_which_limit_of_which_key_and_until_when(  # noqa: PLR0917
    kind: Kind, seconds: float, told: str, type_: str, code: str, headers: dict[str, str]
) -> None:
    error = refusal(ANN, [Wait("parallel", 0.1), Wait(kind, seconds)], NOON)

    assert error.status == 429
    assert error.headers == headers
    assert orjson.loads(error.body())["error"] == {
        "message": f"key 'ann' has reached the limit 'everybody': {told}", "type": type_, "param": None, "code": code,
    }  # fmt: skip


def test_who_shares_a_limit_and_who_has_no_key_is_told_so() -> None:
    shared = Allowance("batch", "ben", ("limit", "batch"), 60)
    nobody = Allowance("all", None, ("anybody",), 60)

    assert refusal(shared, [Wait("requests", 1)], NOON).message.startswith(
        "key 'ben' has reached the limit 'batch', which its keys share: 60 requests"
    )
    assert refusal(nobody, [Wait("requests", 1)], NOON).message.startswith("limit 'all' is reached: 60 requests")


def test_large_and_small_limits_are_told_with_all_their_digits() -> None:
    much = Allowance("all", None, ("anybody",), tokens=2_500_000, usd_per_day=0.00003)

    assert ": 2500000 tokens per minute;" in refusal(much, [Wait("tokens", 1)], NOON).message
    assert ": 2500000 tokens per minute," in never(much, 3_000_000).message
    assert "the 0.00003 USD per day" in refusal(much, [Wait("day", 1)], NOON).message


def test_a_prompt_that_never_fits_is_no_matter_of_waiting() -> None:
    error = never(ANN, 1200)

    assert (error.status, error.code) == (400, "prompt_exceeds_limit")
    assert "1000 tokens per minute, and the prompt alone has about 1200; shorten it" in error.message


def test_answers_say_what_is_left() -> None:
    account = Account(NOON, requests=12.5, tokens=1300)

    assert dict(headers(ANN, account, ANN)) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"47",
        b"x-ratelimit-reset-requests": b"12.5s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"1m18s",
    }
    assert headers(Allowance("money", "ann", ("key", "ann"), usd_per_day=1), account, ANN) == []


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        *((0, "0s"), (0.0001, "1ms"), (0.12, "120ms"), (0.9999, "1s")),
        *((1.5, "1.5s"), (59.9999, "1m0s"), (360, "6m0s"), (3661, "1h1m1s")),
    ],
)  # fmt: skip
def test_durations_are_written_as_openai_writes_them(seconds: float, written: str) -> None:
    assert duration(seconds) == written
