"""What was used wears off at the limit's rate, and money at midnight."""

from datetime import UTC, datetime

import pytest

from router.limits.account import Account, month_of, sharing
from router.policy.limits import Allowance

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def allowed(**limits: float) -> Allowance:
    return Allowance("everybody", "ann", ("key", "ann"), **limits)  # type: ignore[arg-type]


def burst(account: Account, allowance: Allowance, now: float, tokens: float = 0.0) -> int:
    """How many requests there may be at once."""
    count = 0
    account.advance(now, allowance)
    while not account.waits(allowance, tokens):
        account.take(tokens)
        count += 1
    return count


def kinds(account: Account, allowance: Allowance, tokens: float = 0.0) -> list[tuple[str, float]]:
    return [(wait.kind, round(wait.seconds, 3)) for wait in account.waits(allowance, tokens)]


def test_a_quiet_key_may_use_a_minute_s_worth_at_once() -> None:
    assert burst(Account(NOON), allowed(requests=60), NOON) == 60


def test_there_is_no_second_burst_at_the_edge_of_a_minute() -> None:
    account, allowance = Account(NOON), allowed(requests=60)

    assert burst(account, allowance, NOON + 59.9) == 60
    assert burst(account, allowance, NOON + 60.1) == 0
    assert burst(account, allowance, NOON + 70) == 10
    assert burst(account, allowance, NOON + 200) == 60


@pytest.mark.parametrize("most", [1, 3, 7, 60, 1000])
def test_whoever_comes_back_when_told_is_let_in(most: int) -> None:
    account, allowance, now = Account(NOON), allowed(requests=most), NOON
    burst(account, allowance, now)
    for _ in range(50):
        (wait,) = account.waits(allowance, 0)
        now += wait.seconds
        assert burst(account, allowance, now) == 1


def test_tokens_that_were_not_used_come_back_at_once() -> None:
    account, allowance = Account(NOON), allowed(tokens=1000)
    account.take(800)
    assert kinds(account, allowance, 300) == [("tokens", 6.0)]

    account.settle(-700, 0)

    assert kinds(account, allowance, 300) == []


def test_an_overrun_is_paid_off_before_anything_else_is_asked_for() -> None:
    account, allowance = Account(NOON), allowed(tokens=1000)
    account.take(100)
    account.settle(2900, 0)

    assert kinds(account, allowance, 100) == [("tokens", 126.0)]
    account.advance(NOON + 60, allowance)
    assert kinds(account, allowance, 100) == [("tokens", 66.0)]


def test_money_is_spent_until_midnight_and_until_the_month_ends() -> None:
    account, allowance = Account(NOON), allowed(usd_per_day=1, usd_per_month=3)
    account.advance(NOON, allowance)
    account.settle(0, 1.5)
    assert kinds(account, allowance) == [("day", 43200.0)]

    account.advance(NOON + 43199, allowance)
    assert kinds(account, allowance) == [("day", 1.0)]
    account.advance(NOON + 43200, allowance)
    assert kinds(account, allowance) == []
    account.settle(0, 1.6)
    december = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    assert kinds(account, allowance) == [("month", december - account.at), ("day", 86400.0)]
    account.advance(december, allowance)
    assert kinds(account, allowance) == []


def test_no_money_at_all_is_a_budget_too() -> None:
    assert kinds(Account(NOON, day=20779), allowed(usd_per_day=0))[0][0] == "day"


def test_the_last_month_of_a_year_ends_with_it() -> None:
    account, allowance = Account(0), allowed(usd_per_month=1)
    account.advance(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp(), allowance)
    account.settle(0, 1)

    assert kinds(account, allowance) == [("month", 1.0)]


def test_places_are_taken_until_somebody_ends() -> None:
    account, allowance = Account(NOON), allowed(parallel=2)

    assert burst(account, allowance, NOON) == 2
    assert kinds(account, allowance) == [("parallel", 1.0)]


def test_a_clock_that_goes_back_gives_nothing_away_and_keeps_nobody_waiting_for_it() -> None:
    account, allowance = Account(NOON), allowed(requests=60)
    burst(account, allowance, NOON)

    assert burst(account, allowance, NOON - 3600) == 0
    assert burst(account, allowance, NOON - 3599) == 1


def test_another_limit_holds_for_what_was_used_already() -> None:
    account = Account(NOON)
    burst(account, allowed(requests=10), NOON)

    assert burst(account, allowed(requests=25), NOON) == 15
    assert kinds(account, allowed(requests=20)) == [("requests", 18.0)]


def test_what_nobody_limits_any_more_is_forgotten() -> None:
    account = Account(NOON)
    burst(account, allowed(requests=10), NOON)
    account.advance(NOON + 1, allowed(tokens=5))

    assert account.requests == 0


def test_an_account_that_was_written_down_is_read_again() -> None:
    account = Account(NOON)
    account.advance(NOON, allowed())
    account.take(7)
    account.settle(1.5, 0.25)
    account.held = 0

    assert Account.read(account.content(), NOON + 5) == account


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"[]", b'{"t": 1}', b'{"t": [], "r": 1}'])
def test_what_cannot_be_read_has_used_nothing(content: bytes | None) -> None:
    assert Account.read(content, NOON) == Account(NOON)


def test_a_share_of_a_minute_is_at_least_one_and_a_share_of_money_that_of_what_was_left() -> None:
    known = Account(NOON, usd_day=4, usd_month=20)
    mine = sharing(allowed(requests=60, tokens=1000, parallel=3, usd_per_day=10, usd_per_month=20), known, 0.25)

    assert (mine.requests, mine.tokens, mine.parallel) == (15, 250, 1)
    assert (mine.usd_per_day, mine.usd_per_month) == (5.5, 20)
    assert sharing(allowed(requests=2), known, 0.1).requests == 1
    assert sharing(allowed(), known, 0.1) == allowed()


def test_months_are_those_of_utc() -> None:
    assert month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC).timestamp()) + 1 == month_of(
        datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    )
