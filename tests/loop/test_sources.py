"""Where windows come from. tests/loop/test_prometheus.py asks a real Prometheus."""

from dataclasses import replace

from router.loop import Own
from router.metrics import Metrics
from router.outcome import Outcome
from tests.loop.scene import steered
from tests.test_outcome import SERVED

PLAN = steered()
ROUTE = PLAN.routes["auto"]


def counting(metrics: Metrics, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        metrics.record(outcome)


async def test_a_process_compares_its_counters_with_those_it_remembers() -> None:
    metrics = Metrics()
    metrics.serve(PLAN, lambda _: True)
    own = Own(metrics, longest=lambda: 1_800.0)
    counting(metrics, *[SERVED] * 5)
    own.note(0.0)
    counting(metrics, *[SERVED] * 7, replace(SERVED, route="other"))
    own.note(900.0)
    seen = await own.window(ROUTE, 10.0, 910.0)
    assert seen.requests.sum() == 7
    assert seen.escalated.sum() == 7
    assert seen.slow.sum() == 7
    assert seen.fault == ""


async def test_before_it_remembers_anything_nothing_can_be_compared() -> None:
    metrics = Metrics()
    own = Own(metrics, longest=lambda: 1_800.0)
    assert (await own.window(ROUTE, 0.0, 900.0)).fault == "there are no measurements of this route"
    counting(metrics, SERVED)
    own.note(900.0)
    assert "no earlier measurements" in (await own.window(ROUTE, 0.0, 900.0)).fault


async def test_what_no_window_reaches_back_to_is_forgotten() -> None:
    metrics = Metrics()
    counting(metrics, SERVED)
    own = Own(metrics, longest=lambda: 100.0)
    for moment in range(0, 1_000, 10):
        own.note(float(moment))
    assert len(own._readings) == 11
