"""Numbers that several processes count together: summed, kept when one dies, and rendered in slices."""

import gc
import os
import signal
import weakref
from collections.abc import Callable
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from router import series
from router.series import Metric, Series, Sheets

ASKED = Metric("asked_total", "counter", "How often.", ("route",))
TOOK = Metric("took_seconds", "histogram", "How long.", ("route",), (0.1, 1.0))
BUSY = Metric("busy", "gauge", "How many now.")
LIMIT = Metric("limit", "gauge", "How many at most.", ("route",), across="max")
UP = Metric("up", "gauge", "Whether all is well.", across="min")
DROPPED = Metric("dropped_total", "counter", "What was lost.")
ALL = (ASKED, TOOK, BUSY, LIMIT, UP, DROPPED)


def text(one: Series) -> str:
    return b"".join(one.parts()).decode()


def shown(one: Series) -> dict[str, float]:
    """Every line by its beginning."""
    lines = [line.rpartition(" ") for line in text(one).splitlines() if not line.startswith("#")]
    return {start: float(value) for start, _, value in lines}


# ----------------------------------------------------------------------------------------------------------- one alone


def test_what_is_counted_is_shown() -> None:
    one = Series(ALL)
    one.counted("asked_total")("auto").inc()
    one.counted("asked_total")("auto").inc(2.5)
    for value in (0.05, 0.1, 0.5, 7):
        one.counted("took_seconds")("auto").observe(value)
    one.gauges("busy").set(3)
    assert shown(one) == {
        'asked_total{route="auto"}': 3.5,
        'took_seconds_bucket{le="0.1",route="auto"}': 2,
        'took_seconds_bucket{le="1.0",route="auto"}': 3,
        'took_seconds_bucket{le="+Inf",route="auto"}': 4,
        'took_seconds_count{route="auto"}': 4,
        'took_seconds_sum{route="auto"}': 7.65,
        "busy": 3,
    }


def test_what_is_asked_for_when_somebody_looks() -> None:
    one, asked = Series(ALL), iter([1.0, 2.0])
    one.gauges("busy").set_function(lambda: next(asked))
    assert (shown(one)["busy"], shown(one)["busy"]) == (1, 2)


def test_a_gauge_that_is_cleared_is_gone() -> None:
    one = Series(ALL)
    limits = one.gauges("limit")
    limits.labels("auto").set(3)
    limits.labels("other").set_function(lambda: 4)
    limits.clear()
    limits.labels("other").set(5)
    assert shown(one) == {'limit{route="other"}': 5}


def test_a_series_with_other_labels_than_declared_is_a_fault() -> None:
    with pytest.raises(ValueError, match="asked_total has the labels"):
        Series(ALL).counted("asked_total")("auto", "tuned")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False))
def test_prometheus_reads_what_was_meant(label: str, value: float) -> None:
    one = Series(ALL)
    one.gauges("limit").labels(label).set(value)
    families = list(text_string_to_metric_families(text(one)))
    samples = [sample for family in families for sample in family.samples]
    assert [(s.name, s.labels, s.value) for s in samples] == [("limit", {"route": label}, value)]
    assert [(f.name, f.documentation, f.type) for f in families] == [
        (metric.name.removesuffix("_total"), metric.help, metric.kind) for metric in ALL
    ]


# ----------------------------------------------------------------------------------------------------------- together


def test_whoever_is_asked_shows_the_sum() -> None:
    sheets = Sheets(3)
    workers = [Series(ALL, sheets, number) for number in range(3)]
    for number, worker in enumerate(workers):
        worker.counted("asked_total")("auto").inc()
        worker.counted("asked_total")(f"own-{number}").inc()
        worker.counted("took_seconds")("auto").observe(0.5)
        worker.gauges("busy").set(number)
        worker.gauges("limit").labels("auto").set(number)
        worker.gauges("up").set(number != 1)
    first, *others = [shown(worker) for worker in workers]
    assert first['asked_total{route="auto"}'] == 3
    assert first['asked_total{route="own-2"}'] == 1
    assert first['took_seconds_bucket{le="1.0",route="auto"}'] == 3
    assert (first["busy"], first['limit{route="auto"}'], first["up"]) == (3, 2, 0)
    assert all(other == first for other in others)


def test_one_that_has_died_leaves_what_it_counted_and_takes_its_gauges_along() -> None:
    sheets = Sheets(2)
    dead, other = (Series(ALL, sheets, number) for number in range(2))
    dead.counted("asked_total")("auto").inc(5)
    dead.gauges("busy").set(9)
    other.gauges("busy").set(1)
    sheets.ended(0)
    assert shown(other) == {'asked_total{route="auto"}': 5, "busy": 1}


def test_one_that_takes_over_goes_on_counting() -> None:
    sheets = Sheets(2)
    lost = [7.0]
    dead, other = (Series(ALL, sheets, number) for number in range(2))
    dead.counted("asked_total")("auto").inc(5)
    dead.gauges("busy").set(9)
    dead.count_with("dropped_total", lambda: lost[0])
    dead.refresh()
    sheets.ended(0)
    heir = Series(ALL, sheets, 0)
    heir.counted("asked_total")("auto").inc()
    heir.count_with("dropped_total", lambda: 1.0)
    heir.refresh()
    assert shown(other) == {'asked_total{route="auto"}': 6, "dropped_total": 8}
    assert shown(heir) == shown(other)


def in_a_child(work: Callable[[], None]) -> None:
    """Do something in a process of its own, which is killed when it has."""
    if (child := os.fork()) == 0:  # pragma: no cover  nobody is left to tell
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_is_killed_loses_nothing() -> None:
    sheets = Sheets(2)
    here = Series(ALL, sheets, 0)
    in_a_child(lambda: Series(ALL, sheets, 1).counted("asked_total")("auto").inc(3))
    assert shown(here) == {'asked_total{route="auto"}': 3}


# --------------------------------------------------------------------------------------------------------------- bounds


def test_it_is_made_in_slices() -> None:
    one = Series(ALL)
    for number in range(2000):
        one.counted("asked_total")(f"route-{number}").inc()
    parts = [part.count(b"\n") for part in one.parts()]
    assert sum(parts) == 2000 + 2 * len(ALL)
    assert max(parts) < 300


def test_two_who_look_at_once_disturb_nobody() -> None:
    one = Series(ALL)
    for number in range(2000):
        one.counted("asked_total")(f"route-{number}").inc()
    pairs = list(zip_longest(one.parts(), one.parts(), fillvalue=b""))
    assert [b"".join(column).count(b" 1.0\n") for column in zip(*pairs, strict=True)] == [2000, 2000]


def test_a_long_name_is_read_like_any_other() -> None:
    one, name = Series(ALL), "x" * 10_000
    one.counted("asked_total")(name).inc()
    assert shown(one) == {f'asked_total{{route="{name}"}}': 1}


def test_what_there_is_no_room_for_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_NUMBERS", series._SPARE + 2)
    one = Series(ALL)
    for route in ("a", "b", "c"):
        one.counted("asked_total")(route).inc()
        one.counted("took_seconds")(route).observe(0.5)
    assert shown(one) == {'asked_total{route="a"}': 1, 'asked_total{route="b"}': 1}


def test_memory_goes_with_its_last_reader() -> None:
    one = Series(ALL)
    gone = weakref.ref(one._own)
    del one
    gc.collect()
    assert gone() is None
