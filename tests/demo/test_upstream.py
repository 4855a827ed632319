"""The fake upstream as the official client meets it, at its best and at its worst."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai  # noqa: TID253 - plays the customer
import pytest
from openai.types.chat import ChatCompletionUserMessageParam  # noqa: TID253

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream, Latency, script
from router.demo.wire import Received

HELLO: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "hello"}]


@asynccontextmanager
async def talking_to(upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    async with upstream, openai.AsyncOpenAI(base_url=upstream.base_url, api_key="k", max_retries=0) as client:
        yield client


async def ask(client: openai.AsyncOpenAI) -> str | None:
    completion = await client.chat.completions.create(model="small", messages=HELLO)
    return completion.choices[0].message.content


async def stream(client: openai.AsyncOpenAI) -> str:
    chunks = await client.chat.completions.create(model="small", messages=HELLO, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])


async def test_the_official_client_reads_whole_and_streamed_answers() -> None:
    upstream = FakeUpstream(Answer(text="hello, all of you"))
    async with talking_to(upstream) as client:
        assert await ask(client) == "hello, all of you"
        assert await stream(client) == "hello, all of you"
        assert await ask(client) == "hello, all of you"
        assert [request.data.get("stream") for request in upstream.requests] == [None, True, None]
        assert upstream.requests[0].headers["authorization"] == "Bearer k"
        await upstream.idle()
        assert (upstream.open, upstream.cancelled) == (0, 0)


async def test_a_connection_is_kept_open_for_the_next_request() -> None:
    async with FakeUpstream(Answer(text="hi")) as upstream, httpx.AsyncClient() as client:
        for streamed in (False, True, False):
            answer = await client.post(upstream.base_url, json={"stream": streamed})
            assert answer.status_code == 200
        assert (upstream.connections, len(upstream.requests)) == (1, 3)


async def test_it_says_in_its_headers_that_it_is_a_fake() -> None:
    async with talking_to(FakeUpstream(Answer(text="hi"))) as client:
        answer = await client.chat.completions.with_raw_response.create(model="small", messages=HELLO)
        assert answer.headers["server"] == "smallfirst-fake"
        assert answer.parse().system_fingerprint == "fp_fake"


async def test_a_script_goes_on_with_its_last_answer() -> None:
    upstream = FakeUpstream.from_data([{"status": 503}, {"text": "one"}, {"text": "two"}])
    async with talking_to(upstream) as client:
        with pytest.raises(openai.InternalServerError):
            await ask(client)
        assert [await ask(client) for _ in range(3)] == ["one", "two", "two"]


async def test_an_answer_may_depend_on_the_request() -> None:
    def echo(request: Received) -> Answer:
        return Answer(text=request.messages[-1]["content"].upper())

    async with talking_to(FakeUpstream(echo)) as client:
        assert await ask(client) == "HELLO"


async def test_a_bug_in_the_answering_function_is_not_swallowed() -> None:
    async def visit() -> None:
        async with FakeUpstream(lambda _: Answer()) as upstream, httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(upstream.base_url, json={})

    with pytest.raises(ValueError, match="an answer says something"):
        await visit()


async def test_errors_reach_the_client_as_openai_s() -> None:
    answer = {"status": 429, "error": {"message": "slow", "code": "rate_limit_exceeded"}, "headers": {"retry-after": 1}}
    async with talking_to(FakeUpstream.from_data(answer)) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(client)
    assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("rate_limit_exceeded", "1")


@pytest.mark.parametrize("answer", [{"reset": "before"}, {"refuse": True}, {"text": "hi", "cut_after": 0}])
async def test_connections_fail_before_the_answer(answer: dict[str, Any]) -> None:
    upstream = FakeUpstream.from_data(answer)
    async with talking_to(upstream) as client:
        with pytest.raises(openai.APIConnectionError):
            await ask(client)
        assert upstream.cancelled == 0
        assert len(upstream.requests) == (0 if "refuse" in answer else 1)


@pytest.mark.parametrize("end", ["cut_after", "reset_after"])
async def test_a_stream_breaks_after_so_many_events(end: str) -> None:
    async with FakeUpstream.from_data({"stream": ["he", "llo"], end: 2}) as upstream, httpx.AsyncClient() as client:
        got = b""

        async def collect() -> None:
            nonlocal got
            async with client.stream("POST", upstream.base_url, json={"stream": True}) as answer:
                async for data in answer.aiter_bytes():
                    got += data

        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await collect()
    assert (got.count(b"data: "), b'"he"' in got, b'"llo"' in got) == (2, True, False)


async def test_a_body_is_shorter_than_it_said() -> None:
    upstream = FakeUpstream.from_data({"raw": "0123456789", "split_at": [4], "cut_after": 1})
    async with upstream, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError, match="received 4 bytes, expected 10"):
            await client.post(upstream.base_url, json={})


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"stall": True}, {}),
        ({"stall": True}, {"stream": True}),
        ({"text": "all is well", "stall_after": 2}, {"stream": True}),
        ({"text": "all is well", "split_at": [9], "stall_after": 1}, {}),
    ],
)
async def test_a_client_that_tires_of_waiting_is_counted(answer: dict[str, Any], body: dict[str, Any]) -> None:
    async with FakeUpstream.from_data(answer) as upstream, httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.post(upstream.base_url, json=body))
        await upstream.saw(1)
        assert upstream.open == 1
        asking.cancel()
        await upstream.left(1)
        await upstream.idle()


async def test_a_client_that_hangs_up_in_the_middle_is_counted_and_the_next_is_served() -> None:
    never = asyncio.Event()
    answers = [Answer(stream=["he", "llo"], gates={2: never}), Answer(text="hi")]
    upstream = FakeUpstream(answers)
    async with talking_to(upstream) as client:
        chunks = await client.chat.completions.create(model="small", messages=HELLO, stream=True)
        async for chunk in chunks:
            if chunk.choices[0].delta.content == "he":
                break
        await chunks.close()
        await upstream.left(1)
        assert await ask(client) == "hi"
        assert (upstream.cancelled, upstream.connections) == (1, 2)


async def test_a_gate_holds_the_answer_back_until_it_opens() -> None:
    gate = asyncio.Event()
    upstream = FakeUpstream(Answer(text="hi", gate=gate))
    async with talking_to(upstream) as client:
        asking = asyncio.create_task(ask(client))
        await upstream.saw(1)
        assert not asking.done()
        gate.set()
        assert await asking == "hi"


async def test_waiting_for_what_does_not_happen_times_out() -> None:
    async with FakeUpstream(Answer(text="hi")) as upstream:
        with pytest.raises(TimeoutError):
            await upstream.saw(1, within=0.001)


async def test_latency_is_per_answer_and_per_token() -> None:
    upstream = FakeUpstream(Answer(text="one two three"), latency=Latency(first=0.01, per_token=0.002))
    now = asyncio.get_running_loop().time
    async with talking_to(upstream) as client:
        await ask(client)
        begun = now()
        assert await ask(client) == await stream(client) == "one two three"
        assert now() - begun >= 2 * 0.01


async def test_a_model_list_and_nothing_else_is_there_to_get() -> None:
    async with FakeUpstream(Answer(text="hi")) as upstream, httpx.AsyncClient() as client:
        models = await client.get(f"{upstream.base_url}/models")
        other = await client.get(f"{upstream.base_url}/nothing", headers={"connection": "close"})
    assert models.json() == {"object": "list", "data": []}
    assert (other.status_code, other.json()["error"]["message"]) == (404, "the fake has no /v1/nothing")


def test_refusing_comes_first_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="'refuse' closes the port for good"):
        FakeUpstream([Answer(text="hi"), Answer(refuse=True)])
    with pytest.raises(ValueError, match="at least one answer"):
        script([])
