"""Metrics as they are declared: each once, and in Prometheus' own habits."""

from router.meters import METRICS


def test_every_metric_is_declared_once() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)


def test_counters_are_totals_and_nothing_else_is() -> None:
    totals = {metric.name for metric in METRICS if metric.name.endswith("_total")}
    assert totals == {metric.name for metric in METRICS if metric.kind == "counter"}


def test_buckets_belong_to_histograms_and_rise() -> None:
    assert {metric.kind for metric in METRICS if metric.buckets} == {"histogram"}
    assert all(list(metric.buckets) == sorted(set(metric.buckets)) for metric in METRICS)
