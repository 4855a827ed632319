"""What the load generator says it saw is what was there to be seen."""

import asyncio
import os
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from bench import workload
from bench.load import Load, Tokens, drive, percentile
from bench.upstream import EVENTS, Upstream
from router.log import AccessLog
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"so"}}]}\n\n'
NO_TOKENS = (
    ROLE,
    b": keepalive\n\n",
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":null}]}\n\n',
    b'data: {"choices":[],"usage":{"total_tokens":2}}\n\n',
    b'data: {"error":{"message":"content"}}\n\n',
    b"data: [DONE]\n\n",
)


def chunks(*events: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)


class Asked(NamedTuple):
    body: bytes
    connection: int
    after: float


async def asked_by(*loads: Load) -> list[Asked]:
    """What a deployment is asked by one load after the other, on which connection, after how many seconds."""
    asked, connections, begun = list[Asked](), count(), time.perf_counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = next(connections)
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
                asked.append(Asked(body, connection, time.perf_counter() - begun))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        for load in loads:
            await drive(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", load)
    return asked


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
    assert 0 < found.first["p50"] <= found.token["p50"] <= found.latency["p50"]


async def test_a_paced_stream_begins_when_its_first_token_is_there() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(seconds=0.1, stream=True, marker="#mock:30,5,4#"))

    assert 30 <= found.first["p50"] <= found.token["p50"]
    assert found.latency["p50"] >= 30 + 4 * 4


async def test_a_role_that_comes_early_is_a_first_byte_and_no_first_token() -> None:
    with Upstream() as upstream:
        found = await drive(upstream.base_url, Load(seconds=0.1, stream=True, marker="#mock:250,2,4,early#"))

    assert found.first["p50"] < 250 <= found.token["p50"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
@pytest.mark.parametrize("chunked", [True, False])
def test_the_first_token_is_found_however_the_network_cuts_a_stream(size: int, chunked: bool) -> None:  # noqa: FBT001
    before, token = (chunks(*NO_TOKENS), chunks(TOKEN)) if chunked else (b"".join(NO_TOKENS), TOKEN)
    tokens = Tokens(chunked=chunked)

    assert not any(tokens.feed(before[at : at + size]) for at in range(0, len(before), size))
    assert any(tokens.feed(token[at : at + size]) for at in range(0, len(token), size))


def test_an_event_may_be_cut_into_chunks_and_chunks_may_hold_several() -> None:
    stream = ROLE + TOKEN
    cut = Tokens(chunked=True)

    assert not cut.feed(chunks(stream[:20], stream[20:-5]))
    assert cut.feed(chunks(stream[-5:]))
    assert Tokens(chunked=True).feed(chunks(stream))


def test_a_stream_without_tokens_has_no_first_one() -> None:
    assert not Tokens(chunked=True).feed(chunks(*NO_TOKENS) + b"0\r\n\r\n")


async def test_what_one_run_asks_no_other_has_asked() -> None:
    loads = Load(connections=2, seconds=0.05), Load(seconds=0.05), Load(seconds=0.05, size=2048)
    asked = [one.body for one in await asked_by(*loads)]

    assert len(set(asked)) == len(asked) > 3
    assert {len(body) for body in asked} == {1024, 2048}
    prompts = [orjson.loads(body)["messages"][0]["content"] for body in asked]
    assert len({prompt[:20] for prompt in prompts}) == len(prompts)  # they differ in more than their length


async def test_within_a_run_all_may_be_the_same_and_the_next_run_asks_another() -> None:
    load = Load(connections=2, seconds=0.05, same=True)
    asked = [one.body for one in await asked_by(load, load)]

    assert len(asked) > len(set(asked)) == 2


async def test_connections_may_begin_one_after_the_other() -> None:
    asked = await asked_by(Load(connections=4, seconds=0.2, spread=0.2))

    begun = dict[int, float]()
    for one in asked:
        begun.setdefault(one.connection, one.after)
    assert len(begun) > 1
    assert all(after >= 0.05 * number for number, after in enumerate(sorted(begun.values())))


async def test_runs_one_after_the_other_find_nothing_in_the_cache(tmp_path: Path) -> None:
    log = AccessLog(os.open(os.devnull, os.O_WRONLY))
    with Upstream() as upstream:
        service = Service(workload.write(tmp_path, upstream.base_url), Settings(environment=os.environ), log=log)
        async with running(service) as url:
            found = [
                await drive(url, Load(seconds=0.1, stream=stream, connections=connections))
                for stream in (False, True)
                for connections in (1, 3, 1)
            ]
            cached = service.metrics.registry.get_sample_value
            misses = cached("router_cache_total", {"route": "mock", "result": "miss"})
            hits = cached("router_cache_total", {"route": "mock", "result": "hit"})
    log.close()

    assert not hits
    assert misses == sum(one.requests for one in found)


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
