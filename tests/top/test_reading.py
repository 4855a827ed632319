"""A server's metrics, read back."""

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest

from router.top.reading import Reading
from tests.top.told import after, before


def test_a_metric_is_added_up_over_what_is_not_named() -> None:
    assert before.total("router_requests_total") == 103
    assert before.total("router_requests_total", route="auto", outcome="ok") == 80
    assert before.total("router_nothing_total") == 0
    assert before.by("router_requests_total", "outcome", route="auto") == {("error",): 20, ("ok",): 80}


def test_labels_are_read_as_they_were_meant() -> None:
    reading = Reading.of('a{x="with \\"quotes\\", a \\\\ and a\\nline",y="{}"} 1 1700000000\nb 2\nnonsense\nc{} x\n')

    assert reading.by("a", "x", "y") == {('with "quotes", a \\ and a\nline', "{}"): 1}
    assert reading.total("b") == 2
    assert not reading.has("c")


def test_counters_are_subtracted_and_gauges_are_not() -> None:
    since = after.since(before)

    assert since.total("router_requests_total") == 120
    assert since.total("router_inflight") == 9
    assert since.total("router_threshold") == 0.17


def test_a_server_that_began_again_counts_from_nothing() -> None:
    assert before.since(after).total("router_requests_total") == 60


def test_quantiles_are_those_of_prometheus() -> None:
    assert before.quantile(0.25, "router_request_seconds") == 0.05
    assert before.quantile(0.7, "router_request_seconds") == pytest.approx(0.3)
    assert before.quantile(0.99, "router_request_seconds") == 0.5  # what lies beyond the last edge is at least that
    assert before.quantile(0.5, "router_nothing") is None
    assert before.quantile(0.5, "router_request_seconds", route="other") is None


def test_it_reads_what_the_prometheus_client_writes() -> None:
    registry = CollectorRegistry()
    seconds = Histogram("a_seconds", "Help.", ["who"], registry=registry, buckets=[0.0, 1.0, 2.0])
    for value in (0.5, 1.5, 1.5, 9):
        seconds.labels('x"y\\').observe(value)
    reading = Reading.of(generate_latest(registry).decode())

    assert reading.by("a_seconds_count", "who") == {('x"y\\',): 4}
    assert reading.quantile(0.25, "a_seconds") == 1.0
