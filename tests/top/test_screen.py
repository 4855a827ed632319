"""Tables that a person reads."""

import io

from rich.console import Console

from router.top.glance import glance
from router.top.reading import Reading
from router.top.screen import screen
from tests.top.told import after, before


def drawn(*seen: object) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(screen(glance(*seen), "http://here"))  # type: ignore[arg-type]
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(" ".join(line.split()) for line in file.getvalue().splitlines())


def test_everything_there_is_is_on_one_screen() -> None:
    told = drawn(before)

    assert "smallfirst at http://here policy 79b94fe71796" in told
    assert "103 requests since it started · 7 in flight" in told
    assert "auto 100 tuned 60% frontier 40% 0.170 frozen 25.0% 20.0%" in told
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


def test_a_window_is_told_with_its_length_and_rate() -> None:
    assert "120 requests in the last 60 s (2.0/s) · 9 in flight" in drawn(after, before, 60.0)


def test_a_server_that_did_nothing_yet_is_no_fault() -> None:
    told = drawn(Reading.of("router_inflight 0\nrouter_redis_up 0\n"))

    assert "0 requests since it started" in told
    assert "redis: down" in told
