"""What an operator wants to know of a server, from what it says."""

from router.top.glance import Objective, glance
from router.top.reading import Reading
from tests.top.told import after, before


def test_a_route_s_line_is_all_that_happened_on_it() -> None:
    line, turned_away = glance(before).routes

    assert line.route == "auto"
    assert line.tiers == {"frontier": 40, "tuned": 60}
    assert line.outcomes == {"error": 20, "ok": 80}
    assert line.thresholds == {"tuned": 0.17}
    assert (line.frozen, line.proven, line.evidence) == (True, 0.21, 312)
    assert line.escalated == 0.25  # 20 of the 80 that started where there is a threshold
    assert (line.cost_usd, line.saved_usd) == (0.25, 1.0)
    assert (turned_away.route, turned_away.requests, turned_away.saved_usd) == ("", 3, None)
    assert (turned_away.frozen, turned_away.proven, turned_away.evidence) == (False, None, None)


def test_promises_are_held_against_measurements() -> None:
    assert glance(before).objectives == (
        Objective("auto", "cost_per_request_usd", 0.002, None, violated=False),
        Objective("auto", "quality", 0.95, 0.91, violated=True),
    )


def test_an_upstream_s_line_is_how_it_does() -> None:
    frontier, tuned = glance(before).upstreams

    assert (frontier.deployment, frontier.up, frontier.calls, frontier.failed) == (
        "frontier-a",
        False,
        20,
        {"timeout": 5},
    )
    assert frontier.fallbacks == 5
    assert (tuned.up, tuned.cost_usd, tuned.cost_unknown) == (True, 0.25, 2)


def test_two_readings_tell_of_the_time_between_them() -> None:
    seen = glance(after, before, 60.0)

    assert (seen.seconds, seen.requests, seen.inflight) == (60.0, 120, 9)
    assert seen.routes[0].tiers == {"tuned": 120}
    assert seen.moves == {}
    assert seen.routes[0].thresholds == {"tuned": 0.17}


def test_a_server_that_does_not_count_something_is_not_said_to_have_none() -> None:
    seen = glance(Reading.of("router_inflight 0\n"))

    assert (seen.redis_up, seen.overhead_p99, seen.routes, seen.upstreams) == (None, None, (), ())
