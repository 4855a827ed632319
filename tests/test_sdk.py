"""The official `openai` clients against a running proxy: what customers really send, read, catch and break off."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai  # noqa: TID253  plays the customer
import pytest
from openai.types.chat import (  # noqa: TID253
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
    ParsedChatCompletion,
)
from pydantic import BaseModel

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from tests.proxy import KEY, Proxy, proxy, write

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
FIND: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {"name": "find", "strict": True, "parameters": {"type": "object"}},
}
CALLS = [{"name": "find", "arguments": {"id": 7}}, {"name": "find", "arguments": {"id": 8}}]
WITH_KEYS = {"auth": {"keys": "keys.yaml"}}


def customer(served: Proxy, key: str = "any", **more: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=served.base_url, api_key=key, max_retries=0, **more)


async def said(chunks: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])


# --------------------------------------------------------------------------------------------------------- what is read


@pytest.mark.parametrize("ending", ["", "/v1/v1"])
async def test_a_base_url_without_v1_or_with_two_is_told(tmp_path: Path, ending: str) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        wrong = client.with_options(base_url=served.base_url.removesuffix("/v1") + ending)
        with pytest.raises(openai.NotFoundError, match=r"base_url should end in (one )?/v1"):
            await wrong.chat.completions.create(model="auto", messages=HELLO)
        with pytest.raises(openai.NotFoundError, match=r"base_url should end in (one )?/v1"):
            await wrong.models.list()


async def test_a_whole_answer(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, you")) as served, customer(served) as client:
        completion = await client.chat.completions.create(model="auto", messages=HELLO)
    assert completion.choices[0].message.content == "hello, you"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert (completion.model, completion.system_fingerprint) == ("small", "fp_fake")


async def test_a_stream(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, all of you")) as served, customer(served) as client:
        chunks = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        assert await said(chunks) == "hello, all of you"


async def test_a_stream_with_usage(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served, customer(served) as client:
        chunks = await client.chat.completions.create(
            model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        last = [chunk async for chunk in chunks][-1]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 2


async def test_a_client_without_a_loop(tmp_path: Path) -> None:
    def visit(base_url: str) -> tuple[str | None, str]:
        with openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
            whole = client.chat.completions.create(model="auto", messages=HELLO)
            chunks = client.chat.completions.create(model="auto", messages=HELLO, stream=True)
            streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            return whole.choices[0].message.content, streamed

    async with proxy(tmp_path, Answer(text="hello, you")) as served:
        assert await asyncio.to_thread(visit, served.base_url) == ("hello, you", "hello, you")


async def test_parallel_tool_calls_whole_and_streamed(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(tool_calls=CALLS)) as served, customer(served) as client:
        whole = await client.chat.completions.create(model="auto", messages=HELLO, tools=[FIND])
        async with client.chat.completions.stream(model="auto", messages=HELLO, tools=[FIND]) as stream:
            streamed = await stream.get_final_completion()
    for completion in (whole, streamed):
        calls = completion.choices[0].message.tool_calls or []
        arguments = [call.function.arguments for call in calls if call.type == "function"]
        assert (arguments, completion.choices[0].finish_reason) == (['{"id":7}', '{"id":8}'], "tool_calls")


async def test_a_structured_answer_is_parsed(tmp_path: Path) -> None:
    class Ticket(BaseModel):
        team: str
        urgent: bool

    async with (
        proxy(tmp_path, Answer(text='{"team": "billing", "urgent": true}')) as served,
        customer(served) as client,
    ):
        whole: ParsedChatCompletion[Ticket] = await client.chat.completions.parse(
            model="auto", messages=HELLO, response_format=Ticket
        )
        async with client.chat.completions.stream(model="auto", messages=HELLO, response_format=Ticket) as stream:
            streamed = await stream.get_final_completion()
        asked = served.tuned.requests[0].data["response_format"]
    assert whole.choices[0].message.parsed == Ticket(team="billing", urgent=True)
    assert streamed.choices[0].message.parsed == Ticket(team="billing", urgent=True)
    assert asked["json_schema"]["name"] == "Ticket"


async def test_the_headers_say_who_answered_and_why(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="cut", finish="length")) as served, customer(served) as client:
        raw = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    headers = raw.headers
    assert headers["x-router-path"] == "tuned:truncated,frontier:ok"
    assert (headers["x-router-tier"], headers["x-router-deployment"]) == ("frontier", "frontier-a")
    assert (headers["x-router-route"], headers["x-router-reason"]) == ("auto", "easy")
    assert raw.parse()._request_id == headers["x-request-id"]


async def test_models_are_listed_and_looked_up(tmp_path: Path) -> None:
    changes = {"routes": {"support/de": {"cascade": [{"tier": "tuned"}]}}}
    async with proxy(tmp_path, Answer(text="hi"), changes=changes) as served, customer(served) as client:
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("support/de")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nobody")
    assert names == ["auto", "support/de", "tuned", "frontier", "tuned-a", "frontier-a"]
    assert one.id == "support/de"


async def test_fields_that_openai_does_not_know_are_forwarded(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi", extra={"odd": 1})) as served, customer(served) as client:
        completion = await client.chat.completions.create(
            model="auto", messages=HELLO, user="u-1", extra_body={"ignore_eos": True}
        )
        assert completion.model_extra == {"odd": 1}
        assert {"user": "u-1", "ignore_eos": True}.items() <= served.tuned.requests[0].data.items()


# ------------------------------------------------------------------------------------------------------- what is caught


FAILS: list[tuple[dict[str, Any], type[openai.APIStatusError], str | None]] = [
    ({"status": 400, "error": {"code": "context_length_exceeded"}}, openai.BadRequestError, "context_length_exceeded"),
    ({"status": 422, "error": {"code": "odd"}}, openai.UnprocessableEntityError, "odd"),
    ({"status": 429, "error": {"code": "insufficient_quota"}}, openai.RateLimitError, "insufficient_quota"),
    ({"status": 500, "error": {"code": "boom"}}, openai.InternalServerError, "boom"),
    ({"status": 503}, openai.InternalServerError, "upstream_failed"),
    ({"status": 401, "error": "your key"}, openai.InternalServerError, "upstream_failed"),
    ({"reset": "before"}, openai.InternalServerError, "upstream_failed"),
    ({"choices": []}, openai.InternalServerError, "upstream_failed"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("answer", "kind", "code"), FAILS)
async def test_what_an_upstream_fails_with_is_raised_as_openai_raises_it(
    tmp_path: Path, answer: dict[str, Any], kind: type[openai.APIStatusError], code: str | None, *, stream: bool
) -> None:
    async with proxy(tmp_path, Answer.from_data(answer)) as served, customer(served) as client:
        with pytest.raises(kind) as caught:
            await client.chat.completions.create(model="tuned", messages=HELLO, stream=stream)
        assert caught.value.code == code
        assert caught.value.request_id == caught.value.response.headers["x-request-id"]


async def test_a_request_too_large_is_told_so_however_much_is_still_on_its_way(tmp_path: Path) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "x" * 8_000_000}]
    changes = {"server": {"max_body": "1KiB"}}
    async with proxy(tmp_path, Answer(text="hi"), changes=changes) as served, customer(served) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="auto", messages=long)
        answer = await client.chat.completions.create(model="auto", messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
    assert answer.choices[0].message.content == "hi"


async def test_retry_after_reaches_the_customer(tmp_path: Path) -> None:
    answer = Answer(status=429, error="slow down", headers={"retry-after": "17"})
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="tuned", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "17"


async def test_the_proxy_s_own_refusals(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi"), changes=WITH_KEYS) as served:
        async with customer(served, "sf-eve") as stranger:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await stranger.chat.completions.create(model="auto", messages=HELLO)
        async with customer(served, KEY) as client:
            with pytest.raises(openai.NotFoundError) as nothing:
                await client.chat.completions.create(model="gpt-9", messages=HELLO)
            with pytest.raises(openai.BadRequestError) as wrong:
                await client.chat.completions.create(model="auto", messages=[])
            answer = await client.chat.completions.create(model="auto", messages=HELLO)
            assert answer.choices[0].message.content == "hi"
        assert served.tuned.requests[0].headers["authorization"] == "Bearer key-of-tuned-a"
    assert unknown.value.code == "invalid_api_key"
    assert (nothing.value.code, nothing.value.param) == ("model_not_found", "model")
    assert (wrong.value.code, wrong.value.param) == ("empty_array", "messages")


@pytest.mark.parametrize("end", [{"cut_after": 2}, {"reset_after": 2}, {"finish": None}])
async def test_a_stream_that_breaks_off_is_raised_and_never_a_clean_end(tmp_path: Path, end: dict[str, Any]) -> None:
    async with (
        proxy(tmp_path, Answer(stream=["one", " two"], between=0.02, **end)) as served,
        customer(served) as client,
    ):
        chunks = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="the answer broke off") as caught:
            await said(chunks)
        assert caught.value.code == "stream_broken"
        assert served.counted("router_requests_total", outcome="broken") == 1
        assert served.counted("router_requests_total") == 1


# --------------------------------------------------------------------------------------------------- what is broken off


Break = Callable[[openai.AsyncOpenAI, Proxy], Coroutine[Any, Any, None]]


async def leaves_a_whole_answer(client: openai.AsyncOpenAI, served: Proxy) -> None:
    asking = asyncio.create_task(client.chat.completions.create(model="auto", messages=HELLO))
    await served.tuned.saw(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def times_out(client: openai.AsyncOpenAI, served: Proxy) -> None:
    del served
    with pytest.raises(openai.APITimeoutError):
        await client.with_options(timeout=0.1).chat.completions.create(model="auto", messages=HELLO)


async def leaves_before_a_stream_begins(client: openai.AsyncOpenAI, served: Proxy) -> None:
    asking = asyncio.create_task(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
    await served.tuned.saw(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def leaves_a_stream(client: openai.AsyncOpenAI, served: Proxy) -> None:
    del served
    chunks = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
    async for chunk in chunks:
        if chunk.choices[0].delta.content:
            break
    await chunks.close()


@pytest.mark.parametrize(
    ("answer", "leave"),
    [
        (Answer(stall=True), leaves_a_whole_answer),
        (Answer(stall=True), times_out),
        (Answer(stall=True), leaves_before_a_stream_begins),
        (Answer(text="hello, you", stall_after=2), leaves_a_stream),
    ],
)
async def test_who_leaves_ends_the_upstream_s_work_and_is_counted_once(
    tmp_path: Path, answer: Answer, leave: Break
) -> None:
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        await leave(client, served)
        await served.tuned.left(1)
        assert (served.tuned.cancelled, len(served.tuned.requests), len(served.frontier.requests)) == (1, 1, 0)
        assert served.counted("router_requests_total", outcome="left", route="auto", start="tuned") == 1
        assert served.counted("router_requests_total") == 1
        assert served.counted("router_client_disconnects_total") == 1
        assert served.counted("router_inflight") == 0
        assert served.counted("router_fallbacks_total") == 0
        assert served.counted("router_deployment_up", deployment="tuned-a") == 1


async def test_who_leaves_a_queue_gives_up_the_turn(tmp_path: Path) -> None:
    changes = {"deployments": {"tuned-a": {"concurrency": 1}}}
    async with proxy(tmp_path, Answer(stall=True), changes=changes) as served, customer(served) as client:
        first = asyncio.create_task(client.chat.completions.create(model="tuned", messages=HELLO))
        await served.tuned.saw(1)
        with pytest.raises(openai.APITimeoutError):
            await client.with_options(timeout=0.1).chat.completions.create(model="tuned", messages=HELLO)
        first.cancel()
        await served.tuned.left(1)
        third = asyncio.create_task(client.chat.completions.create(model="tuned", messages=HELLO))
        await served.tuned.saw(2)
        third.cancel()
        await served.tuned.left(2)
        assert served.counted("router_requests_total", outcome="left") == 3


UPSTREAM = """
import asyncio
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream

async def main():
    async with FakeUpstream(Answer(text="hello, you and you", stall_after=3)) as upstream:
        print(upstream.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def another_process() -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", UPSTREAM, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_an_upstream_that_is_killed_in_the_middle_of_its_stream(tmp_path: Path) -> None:
    async with another_process() as (process, address), proxy(tmp_path, Answer(text="hi")) as served:
        write(tmp_path, {"tuned-a": address, "frontier-a": served.frontier.base_url})
        assert await served.service.reload()
        async with customer(served) as client:
            chunks = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
            heard = [(await anext(chunks)).choices[0].delta.content for _ in range(3)]
            process.send_signal(signal.SIGKILL)
            with pytest.raises(openai.APIError, match="the answer broke off"):
                await said(chunks)
            after = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        assert heard == ["", "hello,", " you"]
        assert after.headers["x-router-path"] == "tuned:connect,frontier:ok"


async def test_fifty_customers_at_once_each_hear_their_own_answer(tmp_path: Path) -> None:
    def echo(request: Any) -> Answer:
        return Answer(text=request.messages[-1]["content"])

    async with FakeUpstream(echo) as upstream, proxy(tmp_path, Answer(text="hi")) as served:
        write(tmp_path, {"tuned-a": upstream.base_url, "frontier-a": upstream.base_url})
        assert await served.service.reload()
        async with customer(served) as client:

            async def ask(number: int) -> str:
                message: ChatCompletionMessageParam = {"role": "user", "content": f"number {number}"}
                if number % 2:
                    return await said(
                        await client.chat.completions.create(model="auto", messages=[message], stream=True)
                    )
                completion = await client.chat.completions.create(model="auto", messages=[message])
                return completion.choices[0].message.content or ""

            heard = await asyncio.gather(*map(ask, range(50)))
        assert heard == [f"number {number}" for number in range(50)]
        assert served.counted("router_requests_total", outcome="ok") == 50
