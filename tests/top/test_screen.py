"""Tables that a person reads."""

import io

import pytest
from rich.console import Console

from router.top.glance import glance
from router.top.reading import Reading
from router.top.screen import screen
from tests.top.told import after, before


def drawn(*seen: object, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(screen(glance(*seen), "http://here", width))  # type: ignore[arg-type]
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(" ".join(line.split()) for line in file.getvalue().splitlines())


def test_everything_there_is_is_on_one_screen() -> None:
    told = drawn(before)

    assert "smallfirst at http://here policy 79b94fe71796" in told
    assert "103 requests since it started · 7 in flight" in told
    assert "auto 100 tuned 60% frontier 40% 25.0% 20.0% 0.170 frozen 100.0 ms 500.0 ms" in told
    assert "$0.25 $1.00" in told
    assert "(turned away) 3" in told
    assert "quality auto 0.95 0.91 violated" in told
    assert "cost_per_request_usd auto 0.002 – not measured" in told
    assert "frontier-a down 20 25.0% timeout 5" in told
    assert "$0.25 + 2 × ?" in told
    assert "escalations: tuned:truncated 20" in told
    assert "moves: auto:quality 1" in told
    assert "evidence: auto: 312 judged answers, proven up to 0.210" in told
    assert "cache: hit 75% miss 25%" in told
    assert "redis: up" in told
    assert "records dropped: 4" in told


@pytest.mark.parametrize("width", [80, 100, 140])
def test_nothing_is_cut_off_on_a_narrow_terminal(width: int) -> None:
    told = drawn(before, width=width)

    assert "…" not in told
    for shown in (
        *("route requests answered by", "auto 100 tuned 60% frontier 40%", "0.170 frozen", "100.0 ms 500.0 ms"),
        *("(turned away) 3", "$0.25 $1.00", "quality auto 0.95", "not measured", "frontier-a down 20 25.0% timeout 5"),
    ):
        assert shown in told


def test_a_table_that_does_not_fit_becomes_two_of_the_same_rows() -> None:
    narrow, wide = drawn(before, width=80).splitlines(), drawn(before).splitlines()

    assert [line for line in narrow if line.startswith("auto ")] == [
        "auto 100 tuned 60% frontier 40% 25.0% 20.0%",
        "auto 0.170 frozen 100.0 ms 500.0 ms $0.25 $1.00",
    ]
    assert len([line for line in wide if line.startswith("auto ")]) == 1


def test_a_window_is_told_with_its_length_and_rate() -> None:
    assert "120 requests in the last 60 s (2.0/s) · 9 in flight" in drawn(after, before, 60.0)


def test_a_server_that_did_nothing_yet_is_no_fault() -> None:
    told = drawn(Reading.of("router_inflight 0\nrouter_redis_up 0\n"))

    assert "0 requests since it started" in told
    assert "redis: down" in told


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ('router_redis_up 1\nrouter_store{kind="memory"} 1\n', "redis: none"),
        ('router_redis_up 1\nrouter_store{kind="embedded"} 1\n', "redis: up"),
        ('router_redis_up 0\nrouter_store{kind="redis"} 1\n', "redis: down"),
    ],
)
def test_a_server_that_shares_nothing_has_no_redis_that_is_up(told: str, said: str) -> None:
    assert said in drawn(Reading.of(f"router_inflight 0\n{told}"))
