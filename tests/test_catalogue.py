"""The table of metrics, as Prometheus and OpenTelemetry want names to be."""

import re

import pytest

from router.catalogue import METRICS
from router.series import Metric


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_names_say_what_is_counted_in_base_units(metric: Metric) -> None:
    assert re.fullmatch(r"(router|gen_ai)(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") is (metric.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|kb)(_|$)", metric.name)


def test_no_name_stands_twice() -> None:
    assert len({one.name for one in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", [one for one in METRICS if one.kind == "histogram"], ids=lambda one: one.name)
def test_buckets_rise(metric: Metric) -> None:
    assert list(metric.buckets) == sorted(set(metric.buckets))
