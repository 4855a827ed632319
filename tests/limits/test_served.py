"""Limits as clients see them: through a whole proxy, with the official client, over servers that share a Redis."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai  # noqa: TID253  plays the customer
import orjson
import pytest

from router.clock import SYSTEM
from router.demo.answers import Answer
from router.journey import Journey
from router.limits import Held
from router.policy.limits import Allowance
from tests.limits.test_limits import account
from tests.proxy import Proxy, proxy, write
from tests.redis_server import RedisServer, redis_program, running
from tests.server.test_sharing import CHAT, patient, servers
from tests.talking import Heard, talk
from tests.waiting import all_blocked, until

__all__ = ["patient"]

HELLO: Any = [{"role": "user", "content": "hello"}]
KEYS = {"auth": {"keys": "keys.yaml"}}
KEY = "sf-ann"


def customer(served: Proxy, **more: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=served.base_url, api_key=KEY, **{"max_retries": 0, **more})


async def ask(base_url: str, key: str = KEY, **more: Any) -> Heard:
    body = orjson.dumps({"model": "auto", "messages": HELLO, **more})
    headers = {"host": "x", "authorization": f"Bearer {key}", "content-length": str(len(body))}
    async with talk(base_url) as client:
        return await client.say("POST", CHAT, headers, body)


# ------------------------------------------------------------------------------------------------- the official client


async def test_the_official_client_comes_back_by_itself_when_it_is_told(tmp_path: Path) -> None:
    changes = {**KEYS, "limits": {"everybody": {"requests_per_minute": 240}}}
    async with proxy(tmp_path, Answer(text="hello"), changes=changes) as served:
        async with customer(served, max_retries=2) as client:
            for _ in range(240):
                await client.chat.completions.create(model="auto", messages=HELLO)
            begun = SYSTEM.now()
            answers = [await client.chat.completions.create(model="auto", messages=HELLO) for _ in range(3)]
            waited = SYSTEM.now() - begun
        assert [answer.choices[0].message.content for answer in answers] == ["hello"] * 3
        assert served.counted("router_requests_total", outcome="ok") == 243
        assert waited < 5


async def test_the_official_client_is_told_what_it_can_read(tmp_path: Path) -> None:
    changes = {**KEYS, "limits": {"everybody": {"requests_per_minute": 1, "tokens_per_minute": 5000}}}
    async with proxy(tmp_path, Answer(text="hello"), changes=changes) as served, customer(served) as client:
        raw = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="auto", messages=HELLO)

    assert raw.headers["x-ratelimit-remaining-requests"] == "0"
    assert 4700 < int(raw.headers["x-ratelimit-remaining-tokens"]) < 4760
    assert (caught.value.status_code, caught.value.type, caught.value.code) == (429, "requests", "rate_limit_exceeded")
    assert "1 requests per minute" in caught.value.message


async def test_the_official_client_does_not_come_back_for_a_budget_that_is_spent(tmp_path: Path) -> None:
    changes = {**KEYS, "limits": {"everybody": {"usd_per_day": 0}}}
    async with proxy(tmp_path, Answer(text="hello"), changes=changes) as served:
        async with customer(served, max_retries=5) as client:
            with pytest.raises(openai.RateLimitError, match="the 0 USD per day are spent") as caught:
                await client.chat.completions.create(model="auto", messages=HELLO)
        assert caught.value.code == "insufficient_quota"
        assert served.counted("router_shed_total", reason="budget") == 1


# ------------------------------------------------------------------------------------------------------ every endpoint


ENDPOINTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/completions": {"prompt": "hello"},
    "/v1/messages": {"messages": HELLO, "max_tokens": 9},
    "/v1/responses": {"input": "hello"},
    "/v1/embeddings": {"input": "hello"},
}


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_whatever_spends_is_limited(tmp_path: Path, path: str) -> None:
    answer = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]}
    says = Answer.from_data({"json": answer}) if path == "/v1/embeddings" else Answer(text="hello")
    changes = {**KEYS, "limits": {"everybody": {"requests_per_minute": 1}}}
    body = orjson.dumps({"model": "tuned", **ENDPOINTS[path]})
    headers = {"host": "x", "authorization": f"Bearer {KEY}", "content-length": str(len(body))}
    async with proxy(tmp_path, says, changes=changes) as served, talk(served.base_url) as client:
        first, second = [await client.say("POST", path, headers, body) for _ in range(2)]

    assert (first.status, first.headers["x-ratelimit-remaining-requests"]) == (200, "0")
    assert (second.status, second.headers["retry-after"]) == (429, "60")
    assert "1 requests per minute" in orjson.loads(second.body)["error"]["message"]
    assert len(served.tuned.requests) == 1


# ------------------------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize("stream", [False, True])
async def test_a_place_is_free_again_when_an_answer_has_ended(tmp_path: Path, *, stream: bool) -> None:
    gate = asyncio.Event()
    changes = {**KEYS, "limits": {"everybody": {"parallel": 2}}}
    async with proxy(tmp_path, Answer(text="hello", gate=gate), changes=changes) as served:
        asking = [asyncio.create_task(ask(served.base_url, stream=stream, seed=seed)) for seed in range(2)]
        await until(lambda: len(served.tuned.requests) == 2)
        refused = await ask(served.base_url, stream=stream)
        gate.set()
        heard = await asyncio.gather(*asking)
        again = await ask(served.base_url, stream=stream)

    assert [one.status for one in heard] == [200, 200]
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert b"2 at the same time; try again when one has ended" in refused.body
    assert again.status == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cached", [False, True])
async def test_a_client_that_leaves_gives_its_place_back_and_pays_for_what_it_had(
    tmp_path: Path, *, stream: bool, cached: bool
) -> None:
    gate = asyncio.Event()
    changes = {
        **KEYS,
        "routes": {"auto": {"cache": {"exact": {"sampled": True} if cached else False}}},
        "limits": {"everybody": {"parallel": 1, "tokens_per_minute": 10_000, "usd_per_day": 1}},
    }
    pieces = Answer(text="one two three four five six seven eight", gates={4: gate} if stream else {}, gate=None)
    answer = pieces if stream else Answer(text="hello", gate=gate)
    async with proxy(tmp_path, answer, changes=changes) as served:
        async with customer(served) as client:
            asking = asyncio.create_task(_read_on(client, stream=stream))
            await until(lambda: served.tuned.requests)
            if stream:
                await until(lambda: served.counted("router_inflight"))
            asking.cancel()
            await asyncio.wait([asking])
        await until(lambda: served.counted("router_client_disconnects_total"))
        gate.set()
        (book,) = served.service.limits._books.values()
        spent, level = book.spent, book.account.tokens
        again = await ask(served.base_url)

    assert again.status == 200
    assert 0 < spent < 0.001, "the prompt, at least"
    assert 0 < level < 100, "what was reserved for its answer came back"


async def _read_on(client: openai.AsyncOpenAI, *, stream: bool) -> None:
    answer = await client.chat.completions.create(model="auto", messages=HELLO, stream=stream)
    if isinstance(answer, openai.AsyncStream):
        async for _ in answer:
            pass


async def test_a_fault_of_ours_takes_no_place_with_it(tmp_path: Path) -> None:
    changes = {**KEYS, "limits": {"everybody": {"parallel": 1}}}
    async with proxy(tmp_path, Answer(text="hello"), changes=changes) as served:
        served.breaks()
        assert [(await ask(served.base_url)).status for _ in range(3)] == [500] * 3


@pytest.mark.redis
@pytest.mark.parametrize("stream", [False, True])
async def test_a_limited_request_leaves_nothing_for_the_collector(
    tmp_path: Path, redis: RedisServer, *, stream: bool
) -> None:
    limits = {"all": {"requests_per_minute": 20, "tokens_per_minute": 10**6, "parallel": 9, "usd_per_day": 9}}
    async with proxy(tmp_path, Answer(text="hello"), changes={"cache": {"url": redis.url}, "limits": limits}) as served:
        for seed in range(3):  # what is made once is made
            await ask(served.base_url, stream=stream, seed=seed)
        gc.collect()
        gc.disable()
        try:
            statuses = [(await ask(served.base_url, stream=stream, seed=seed)).status for seed in range(30)]
            await all_blocked()
            assert not [known for known in gc.get_objects() if isinstance(known, Held | Journey)]
        finally:
            gc.enable()

    assert 200 in statuses
    assert 429 in statuses


# ---------------------------------------------------------------------------------------------------- several servers


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running(redis_program()) as server:
        yield server


@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.usefixtures("patient")
async def test_many_requests_at_two_servers_and_as_many_answers_as_may_be(tmp_path: Path, redis: RedisServer) -> None:
    gate = asyncio.Event()
    changes = {"limits": {"all": {"parallel": 50}}, "routes": {"auto": {"deadline": "120s"}}}
    async with servers(tmp_path, redis.url, Answer(text="hello", gate=gate), changes=changes) as (two, small):
        asking = [asyncio.create_task(two[seed % 2].ask(seed=seed)) for seed in range(300)]
        await until(lambda: sum(task.done() for task in asking) == 250 and len(small.requests) == 50, within=110)
        gate.set()
        heard = await asyncio.gather(*asking)

    assert sorted(one.status for one in heard) == [200] * 50 + [429] * 250
    assert len(small.requests) == 50


@pytest.mark.redis
@pytest.mark.usefixtures("patient")
async def test_equal_requests_at_two_servers_are_one_call_and_one_cost(tmp_path: Path, redis: RedisServer) -> None:
    allowance = Allowance("all", None, ("anybody",), parallel=50)
    answer = Answer(text="hello", usage={"prompt_tokens": 1000, "completion_tokens": 0})
    changes = {"limits": {"all": {"requests_per_minute": 100, "usd_per_day": 1, "parallel": 50}}}
    async with servers(tmp_path, redis.url, answer, changes=changes) as (two, small):
        heard = await asyncio.gather(*(two[place % 2].ask() for place in range(20)))
        async with asyncio.timeout(20):
            while (found := await account(redis, allowance)).held or not found.usd_day:
                pass

    assert {one.status for one in heard} == {200}
    assert len(small.requests) == 1
    assert found.usd_day == pytest.approx(0.001)
    assert 18.5 < found.requests <= 20


async def test_a_reload_changes_limits_of_requests_that_are_under_way(tmp_path: Path) -> None:
    gate = asyncio.Event()
    changes: dict[str, Any] = {"limits": {"all": {"parallel": 2}}}
    async with proxy(tmp_path, Answer(text="hello", gate=gate), changes=changes) as served:
        asking = [asyncio.create_task(ask(served.base_url, seed=seed)) for seed in range(2)]
        await until(lambda: len(served.tuned.requests) == 2)
        statuses: list[bool] = []
        version = served.service.pipeline.plan.version
        for most in (2, 3, 1, None):
            limits = {"all": {"parallel": most}} if most else {}
            addresses = {"tuned-a": served.tuned.base_url, "frontier-a": served.frontier.base_url}
            write(tmp_path, addresses, {**changes, "limits": limits})
            assert await served.service.reload()
            asking.append(asyncio.create_task(ask(served.base_url, seed=100 + (most or 0))))
            await until(lambda: asking[-1].done() or len(served.tuned.requests) > 2 + sum(statuses))
            statuses.append(not asking[-1].done())
        gate.set()
        heard = [one.status for one in await asyncio.gather(*asking)]

    assert served.service.pipeline.plan.version == version
    assert heard == [200, 200, 429, 200, 429, 200]
