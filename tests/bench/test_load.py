"""What the load generator says it saw is what was there to be seen."""

import asyncio

from bench.load import Load, drive, percentile
from bench.upstream import EVENTS, Upstream


async def test_whole_answers_are_counted_and_timed() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(connections=3, seconds=0.2))

    assert found.requests > 3
    assert found.errors == found.events == 0
    assert 0 < found.first["p50"] <= found.latency["p50"] <= found.latency["p99"] <= found.latency["max"]


async def test_of_streams_every_event_is_counted() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(connections=2, seconds=0.2, stream=True))

    assert found.events == EVENTS * found.requests > 0


async def test_a_paced_stream_begins_when_its_first_token_is_there() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(seconds=0.1, stream=True, marker="#mock:30,5,4#"))

    assert found.first["p50"] >= 30
    assert found.latency["p50"] >= 30 + 4 * 4


async def test_at_a_rate_it_asks_no_more_than_that() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(connections=2, seconds=0.5, rate=40))

    assert 1 <= found.requests <= 22


async def test_an_answer_that_is_no_200_is_an_error() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        found = await drive(url, Load(seconds=0.1))

    assert found.errors >= 1


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([], 50) == 0.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 3.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 100) == 4.0
