"""Dollars of any hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.shadow.hour import Hour


def test_what_is_held_back_cannot_be_spent_twice() -> None:
    hour = Hour(1.0)
    assert hour.reserve(0.6, 0.0)
    assert not hour.reserve(0.6, 0.0)
    hour.settle(0.6, 0.1, 1.0)
    assert hour.left(1.0) == pytest.approx(0.9)
    assert hour.reserve(0.6, 1.0)


def test_an_hour_later_it_is_forgotten() -> None:
    hour = Hour(1.0)
    hour.settle(0.0, 1.0, 0.0)
    assert not hour.reserve(0.01, 3599.0)
    assert hour.reserve(0.01, 3660.0)


def test_what_is_free_is_free_even_without_a_budget() -> None:
    assert Hour(0.0).reserve(0.0, 0.0)


def test_more_than_was_held_back_is_a_debt_that_counts() -> None:
    hour = Hour(1.0)
    assert hour.reserve(0.5, 0.0)
    hour.settle(0.5, 3.0, 0.0)
    assert (hour.left(0.0), hour.reserve(0.001, 100.0)) == (0.0, False)


calls = st.tuples(st.floats(0, 600), st.floats(0, 0.4), st.floats(0, 1))


@given(st.lists(calls, max_size=80))
def test_no_hour_costs_more_than_it_may(made: list[tuple[float, float, float]]) -> None:
    """Calls that cost no more than was held back for them: whatever their order, no 60 minutes cost more than that."""
    hour, now, spent = Hour(1.0), 0.0, list[tuple[float, float]]()
    for pause, held, part in made:
        now += pause
        if hour.reserve(held, now):
            hour.settle(held, held * part, now)
            spent.append((now, held * part))
    for since, _ in spent:
        assert sum(usd for at, usd in spent if since <= at < since + 3600) <= 1.0 + 1e-9
