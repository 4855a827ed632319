"""A request costs no more than it did: calls and instructions of Python, counted, on its whole way and in each part.

No clock is read, so it makes no difference how busy the machine is. `make bench` adds the times.
"""

import platform
from collections.abc import Iterator

import pytest

from bench.budget import allowed, budgets, over
from bench.counting import Count
from bench.parts import PARTS, count
from bench.path import CASES, measure
from tests.redis_server import redis_program, running


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with running(redis_program()) as server:
        yield server.url


@pytest.mark.parametrize("case", CASES)
def test_a_request_s_way_through_the_proxy(case: str) -> None:
    assert over(measure(case), budgets()["path"][case]) == []


@pytest.mark.redis
def test_a_request_s_way_through_the_proxy_and_redis(redis_url: str) -> None:
    assert over(measure("miss", cache=redis_url), budgets()["redis"]["miss"]) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_it(part: str) -> None:
    assert over(count(part), budgets()["parts"][part]) == []


def test_a_body_ten_times_as_long_takes_no_more_instructions() -> None:
    granted = budgets()["path"]

    assert granted["10 KB"].instructions <= granted["miss"].instructions * 1.02


def test_every_budget_is_of_something_that_is_counted() -> None:
    assert set(budgets()["path"]) == set(CASES)
    assert set(budgets()["parts"]) == set(PARTS)


def test_whoever_uses_more_is_told_how_much() -> None:
    granted = Count(100, 100, 1000)

    assert over(Count(100, 90, 1000), granted) == []
    assert over(Count(100, 200, 1000), granted) == ["200 c calls where 100 are granted: spend less, or `make budgets`"]


def test_another_python_has_more_room() -> None:
    here = ".".join(platform.python_version_tuple()[:2])

    assert allowed(1000, here) < allowed(1000, "2.7")
