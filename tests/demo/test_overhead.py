"""What the proxy adds is measured against the upstream it stands in front of."""

import itertools
from collections.abc import Iterator

import pytest

from router.clock import Clock
from router.demo.answers import Answer
from router.demo.overhead import measure, percentile
from router.demo.upstream import FakeUpstream
from router.demo.workload import Recorded, Row

ROWS = [Row("1", "t", ({"role": "user", "content": "hi"},), {"tuned": Recorded(1)}, request={"temperature": 0})]


def ticking() -> Iterator[float]:
    """Ask the upstream: 1 ms; ask the proxy: 3 ms."""
    now = 0.0
    for step in itertools.cycle([0.001, 0, 0.003, 0]):
        yield now
        now += step


async def test_overhead_is_what_the_way_through_the_proxy_takes_longer() -> None:
    ticks = ticking()
    async with FakeUpstream(Answer(text="a")) as upstream, FakeUpstream(Answer(text="b")) as proxy:
        clock = Clock(now=lambda: next(ticks))
        added = await measure(proxy.base_url, upstream.base_url, "tuned", ROWS, count=5, clock=clock)
        assert (round(added.p50, 6), round(added.p99, 6)) == (2, 2)
        assert len(upstream.requests) == len(proxy.requests) == 25
        assert (upstream.connections, proxy.connections) == (1, 1)
        assert proxy.requests[0].data == {"model": "tuned", "temperature": 0, "messages": list(ROWS[0].messages)}


async def test_measuring_errors_is_refused() -> None:
    async with FakeUpstream(Answer(text="a")) as upstream, FakeUpstream(Answer(status=503, raw="busy")) as proxy:
        with pytest.raises(OSError, match="expected 200, got 503: busy"):
            await measure(proxy.base_url, upstream.base_url, "tuned", ROWS, count=1)


async def test_a_chunked_answer_is_read_to_its_end_too() -> None:
    streaming = [Row("1", "t", ROWS[0].messages, {}, request={"stream": True})]
    async with FakeUpstream(Answer(text="a")) as upstream, FakeUpstream(Answer(text="b")) as proxy:
        added = await measure(proxy.base_url, upstream.base_url, "tuned", streaming, count=2)
        assert added.p50 >= 0


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50, 99, 100)
    assert percentile([7.0], 0.01) == 7
    assert percentile([], 0.5) == 0
