"""One request on behalf of many: who still rides it, and when its leader's outcome is counted."""

import pytest

from router.clock import SYSTEM
from router.flights.flight import Flight
from router.ids import Signer
from router.journey import Journey
from router.outcome import Outcome


def flight() -> tuple[Flight, list[Outcome], list[Flight]]:
    counted, abandoned = list[Outcome](), list[Flight]()
    made = Flight(("x", False), Journey(SYSTEM, Signer(b"k" * 32), "p"), counted.append, abandoned.append)
    return made, counted, abandoned


async def test_the_last_to_leave_is_told_of() -> None:
    one, _, abandoned = flight()
    one.riders = 2

    one.leave()
    assert abandoned == []
    one.leave()
    assert abandoned == [one]


@pytest.mark.parametrize("upstream_first", [True, False])
@pytest.mark.parametrize(("left", "end", "status"), [(True, "left", 499), (False, "ok", 200)])
async def test_the_leader_is_counted_once_client_and_upstream_are_done(
    *, upstream_first: bool, left: bool, end: str, status: int
) -> None:
    one, counted, _ = flight()
    if upstream_first:
        one.ended(one.journey.outcome())
        assert counted == []
        one.leader_left(left=left)
    else:
        one.leader_left(left=left)
        assert counted == []
        one.ended(one.journey.outcome())
    one.leader_left(left=True)

    assert [(outcome.end, outcome.status) for outcome in counted] == [(end, status)]


async def test_a_leader_who_left_an_error_was_told_an_error() -> None:
    one, counted, _ = flight()
    one.ended(one.journey.outcome(503, "error", "unavailable"))
    one.leader_left(left=True)

    assert [(outcome.end, outcome.status) for outcome in counted] == [("error", 503)]


async def test_a_fault_of_ours_is_raised_to_everybody_who_waits() -> None:
    one, _, _ = flight()
    one.fault = ZeroDivisionError()
    one.land()

    assert one.landed
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await one.wait()
