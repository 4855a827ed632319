"""From counters to a window."""

from collections.abc import Iterable

import pytest

from router.control import LAST, LOW
from router.loop.reading import Reading, window
from tests.loop.scene import steered

ROUTE = steered().routes["auto"]
Sample = tuple[str, dict[str, str], float]


def sample(name: str, value: float, instance: str = "a", **labels: str) -> Sample:
    return name, {"route": "auto", "instance": instance, **labels}, value


def requests(value: float, instance: str = "a", **labels: str) -> Sample:
    known = {"start": "tuned", "tier": "tuned", "band": "2", "outcome": "ok", **labels}
    return sample("router_requests_total", value, instance, **known)


def at(moment: float, *samples: Sample) -> Reading:
    return Reading.of(moment, samples)


def test_what_was_counted_in_between_is_the_window() -> None:
    before = at(0, requests(100), requests(40, start="frontier", tier="frontier", band="7"))
    after = at(900, requests(160), requests(70, start="frontier", tier="frontier", band="7"), requests(5, band="3"))
    seen = window(ROUTE, before, after)
    assert seen.fault == ""
    assert seen.requests[LOW].tolist()[2:4] == [60, 5]
    assert seen.requests[LAST][7] == 30
    assert seen.seconds == 900


def test_every_counter_finds_its_place() -> None:
    after = at(
        900,
        requests(50),
        requests(10, outcome="error"),
        requests(8, tier="frontier"),
        sample("router_cost_usd_total", 0.5, start="tuned", band="2", kind="served", tier="tuned", deployment="small"),
        sample("router_cost_usd_total", 0.1, start="tuned", band="2", kind="escalation", tier="tuned", deployment="s"),
        sample("router_cost_usd_total", 9.0, start="tuned", band="2", kind="shadow", tier="tuned", deployment="small"),
        sample("router_cost_usd_total", 0.2, start="tuned", band="2", kind="judge", tier="tuned", deployment="other"),
        sample("router_cost_usd_total", 0.3, start="tuned", band="2", kind="explore", tier="tuned", deployment="s"),
        sample("router_escalations_total", 3, from_tier="tuned", band="2", reason="refused"),
        sample("router_band_seconds_sum", 25.0, start="tuned", band="2"),
        sample("router_request_seconds_bucket", 40, start="tuned", le="1.0"),
        sample("router_request_seconds_bucket", 68, start="tuned", le="+Inf"),
        sample("router_request_seconds_bucket", 500, start="", le="1.0"),
        sample("router_novel_total", 4),
        sample("router_quality_weight_total", 20, start="tuned", band="2", measure="loss"),
        sample("router_quality_weight_total", 30, start="frontier", band="2", measure="quality"),
        sample("router_quality_weight_total", 70, start="middle", band="2", measure="loss"),
    )
    zero = [(name, labels, 0.0) for name, labels, _ in samples_of(after)]
    seen = window(ROUTE, at(0, *zero), after)
    assert seen.cost[LOW][2] == pytest.approx(1.1)  # shadows aside
    assert (seen.failed, seen.spilled, seen.novel) == (10, 5, 4)  # three of eight were escalated, and did not fail
    assert seen.waited[LOW][2] == 25.0
    assert seen.slow.tolist() == [[40, 28], [0, 0]]
    assert seen.edges.tolist() == [1.0]
    assert seen.labels.sums("loss").weight[2] == 20
    assert seen.labels.sums("last").weight[2] == 30


def samples_of(reading: Reading) -> Iterable[Sample]:
    return [(name, dict(labels), value) for (name, labels), value in reading.series.items()]


def test_a_process_that_is_new_is_left_out() -> None:
    seen = window(ROUTE, at(0, requests(100)), at(900, requests(160), requests(1_000, "b")))
    assert seen.requests.sum() == 60
    assert seen.fault == ""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([requests(100)], [], "there are no measurements of this route"),
        ([], [requests(100)], "there are no earlier measurements to compare with"),
        ([requests(100)], [requests(40)], "a process restarted: a counter was set back"),
        ([requests(1), requests(1, "b")], [requests(90)], "1 of 2 processes cannot be seen any more"),
    ],
)
def test_nothing_moves_on_what_cannot_be_compared(before: list[Sample], after: list[Sample], told: str) -> None:
    assert window(ROUTE, at(0, *before), at(900, *after)).fault == told


def test_bands_that_are_none_are_left_out() -> None:
    after = at(9, requests(5, band=""), requests(5, band="12"), requests(5, band="x"), requests(5, band="0"))
    assert window(ROUTE, at(0, requests(0, band="0")), after).requests.sum() == 5
