"""The official `anthropic` client against a running proxy: what customers really send, read, catch and break off."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import anthropic  # noqa: TID253  plays the customer
import pytest
from anthropic.types import MessageParam, ToolParam  # noqa: TID253
from openai import AsyncOpenAI  # noqa: TID253  asks for the same in its own words
from pydantic import BaseModel

from router.demo.answers import Answer
from router.demo.upstream import script
from tests.proxy import KEY, Proxy, proxy

HELLO: list[MessageParam] = [{"role": "user", "content": "hello"}]
FIND: ToolParam = {
    "name": "find",
    "description": "Find an order.",
    "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
}
CALLS = [{"name": "find", "arguments": {"id": 7}}, {"name": "find", "arguments": {"id": 8}}]
WITH_KEYS = {"auth": {"keys": "keys.yaml"}}
PIXEL = base64.b64encode(b"\x89PNG not really").decode()


def customer(served: Proxy, key: str = "any", **more: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=served.base_url.removesuffix("/v1"), api_key=key, max_retries=0, **more)


def said(**fields: Any) -> dict[str, Any]:
    return {"model": "auto", "max_tokens": 50, "messages": HELLO, **fields}


def texts(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def hear(client: anthropic.AsyncAnthropic, heard: list[str]) -> None:
    async for event in await client.messages.create(**said(), stream=True):
        heard.append(event.type)  # noqa: PERF401  what came before it broke off counts


def asked(served: Proxy, number: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = served.tuned.requests[number].data
    return body


# --------------------------------------------------------------------------------------------------------- what is read


async def test_a_whole_answer(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 30, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 20}}
    answer = Answer(text="hello, you", id="chatcmpl-7", usage=usage)
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        message = await client.messages.create(model="auto", max_tokens=50, system="Be kind.", messages=HELLO)
        assert asked(served) == {
            "model": "small",
            "max_tokens": 50,
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"}],
        }
    assert (message.id, message.type, message.role, message.model) == ("chatcmpl-7", "message", "assistant", "small")
    assert texts(message) == "hello, you"
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (10, 20)
    assert (message.usage.cache_creation_input_tokens, message.usage.output_tokens) == (0, 4)


async def test_a_stream(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, all of you")) as served, customer(served) as client:
        async with client.messages.stream(model="auto", max_tokens=50, messages=HELLO) as stream:
            heard = [text async for text in stream.text_stream]
            message = await stream.get_final_message()
        assert asked(served)["stream_options"] == {"include_usage": True}
    assert len(heard) > 1
    assert "".join(heard) == texts(message) == "hello, all of you"
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (2, 5)


async def test_a_stream_event_by_event(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, you")) as served, customer(served) as client:
        events = [each async for each in await client.messages.create(**said(), stream=True)]
    assert [each.type for each in events] == [
        *("message_start", "content_block_start", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]


async def test_a_client_without_a_loop(tmp_path: Path) -> None:
    def visit(base_url: str) -> tuple[str, str]:
        with anthropic.Anthropic(base_url=base_url, api_key="any", max_retries=0) as client:
            whole = client.messages.create(**said())
            with client.messages.stream(**said()) as stream:
                return texts(whole), stream.get_final_text()

    async with proxy(tmp_path, Answer(text="hello, you")) as served:
        assert await asyncio.to_thread(visit, served.base_url.removesuffix("/v1")) == ("hello, you", "hello, you")


async def test_parallel_tool_calls_whole_and_streamed_and_their_results(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(tool_calls=CALLS)) as served, customer(served) as client:
        whole = await client.messages.create(**said(tools=[FIND], tool_choice={"type": "any"}))
        async with client.messages.stream(**said(tools=[FIND])) as stream:
            streamed = await stream.get_final_message()
        messages: list[Any] = [whole, streamed]
        for message in messages:
            used = [block for block in message.content if block.type == "tool_use"]
            assert [(block.name, block.input) for block in used] == [("find", {"id": 7}), ("find", {"id": 8})]
            assert message.stop_reason == "tool_use"
        sent = asked(served)
        assert sent["tool_choice"] == "required"
        assert sent["tools"] == [
            {
                "type": "function",
                "function": {"name": "find", "description": "Find an order.", "parameters": FIND["input_schema"]},
            }
        ]
        first, second = (block.id for block in streamed.content if block.type == "tool_use")
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": first, "content": "shipped"},
            {"type": "tool_result", "tool_use_id": second, "content": "no such order", "is_error": True},
            {"type": "text", "text": "And in one sentence?"},
        ]
        turns: list[MessageParam] = [*HELLO, streamed.to_param(), {"role": "user", "content": results}]
        await client.messages.create(**said(tools=[FIND], messages=turns))
        heard = served.tuned.requests[-1].data["messages"]
    assert [each["role"] for each in heard] == ["user", "assistant", "tool", "tool", "user"]
    assert [call["function"]["arguments"] for call in heard[1]["tool_calls"]] == ['{"id":7}', '{"id":8}']
    assert [each["content"] for each in heard[2:]] == ["shipped", "Error: no such order", "And in one sentence?"]
    assert [each["tool_call_id"] for each in heard[2:4]] == [call["id"] for call in heard[1]["tool_calls"]]


async def test_images_pass_through(tmp_path: Path) -> None:
    content: list[Any] = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "text", "text": "Which is which?"},
    ]
    async with proxy(tmp_path, Answer(text="hm")) as served, customer(served) as client:
        await client.messages.create(**said(messages=[{"role": "user", "content": content}]))
        assert asked(served)["messages"][0]["content"] == [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {"type": "text", "text": "Which is which?"},
        ]


async def test_thinking_is_shown_to_whoever_asked_for_it(tmp_path: Path) -> None:
    deltas: list[Any] = [{"reasoning_content": "Let me"}, {"reasoning_content": " see."}, "Seven."]
    thinking = {"thinking": {"type": "adaptive"}}
    async with proxy(tmp_path, Answer(stream=deltas)) as served, customer(served) as client:
        async with client.messages.stream(**said(**thinking)) as stream:
            shown = await stream.get_final_message()
        async with client.messages.stream(**said()) as stream:
            hidden = await stream.get_final_message()
        assert "thinking" not in asked(served)
    assert [block.to_dict() for block in shown.content] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": ""},
        {"type": "text", "text": "Seven."},
    ]
    assert [block.to_dict() for block in hidden.content] == [{"type": "text", "text": "Seven."}]


async def test_what_claude_code_sends_is_understood(tmp_path: Path) -> None:
    cached: Any = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    tool: Any = {
        "name": "Read",
        "description": "Reads a file.",
        "input_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {}},
        "eager_input_streaming": True,
    }
    request: Any = {
        "model": "auto",
        "max_tokens": 32_000,
        "system": [{"type": "text", "text": "You are a coder."}, {"type": "text", "text": "Be brief.", **cached}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "<reminder>"}, {"type": "text", "text": "hi", **cached}],
            }
        ],
        "tools": [tool],
        "metadata": {"user_id": "user_" + "0" * 64 + "_account__session_" + "1" * 36},
        "thinking": {"type": "enabled", "budget_tokens": 31_999},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        "betas": ["context-management-2025-06-27", "interleaved-thinking-2025-05-14"],
    }
    stream: list[Any] = [{"reasoning_content": "hm"}, "Hello."]
    async with proxy(tmp_path, Answer(stream=stream)) as served, customer(served) as client:
        async with client.beta.messages.stream(**request) as events:
            message = await events.get_final_message()
        counting = {name: request[name] for name in ("model", "system", "messages", "tools", "thinking", "betas")}
        counted = await client.beta.messages.count_tokens(**counting)
        sent = asked(served)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert counted.input_tokens > 10
    assert sorted(sent) == [
        *("max_tokens", "messages", "model", "reasoning_effort", "stream", "stream_options", "tools", "user")
    ]
    assert [each["role"] for each in sent["messages"]] == ["system", "user"]
    assert sent["messages"][0]["content"] == "You are a coder.\nBe brief."


async def test_models_are_listed_by_their_names(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        names = [model.id async for model in client.models.list()]
    assert names == ["auto", "tuned", "frontier", "tuned-a", "frontier-a"]


async def test_a_structured_answer_is_parsed_whole_and_streamed(tmp_path: Path) -> None:
    class Ticket(BaseModel):
        team: str
        urgent: bool

    async with (
        proxy(tmp_path, Answer(text='{"team": "billing", "urgent": true}')) as served,
        customer(served) as client,
    ):
        whole = await client.messages.parse(**said(output_format=Ticket))
        async with client.messages.stream(**said(output_format=Ticket)) as stream:
            streamed = await stream.get_final_message()
        wanted = asked(served)["response_format"]
    assert whole.parsed_output == streamed.parsed_output == Ticket(team="billing", urgent=True)
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["strict"] is True
    assert set(wanted["json_schema"]["schema"]["properties"]) == {"team", "urgent"}


async def test_an_answer_that_breaks_its_schema_escalates(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    changes = {"tiers": {"tuned": {"checks": ["complete", "json_schema"]}}}
    good = Answer(text='{"n": 7}')
    async with proxy(tmp_path, Answer(text='{"n": "x"}'), good, changes) as served, customer(served) as client:
        config: Any = {"format": {"type": "json_schema", "schema": schema}}
        raw = await client.messages.with_raw_response.create(**said(output_config=config))
    assert raw.headers["x-router-path"] == "tuned:schema,frontier:ok"
    assert texts(await raw.parse()) == '{"n": 7}'


async def test_an_answer_with_nothing_in_it_escalates_and_the_headers_say_so(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text=" ")) as served, customer(served) as client:
        raw = await client.messages.with_raw_response.create(**said())
    message = await raw.parse()
    assert texts(message) == "hello from frontier-a"
    assert raw.headers["x-router-path"] == "tuned:empty,frontier:ok"
    assert (raw.headers["x-router-tier"], raw.headers["x-router-deployment"]) == ("frontier", "frontier-a")
    assert message._request_id == raw.headers["x-request-id"]


async def test_what_max_tokens_cut_off_is_what_was_asked_for(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="cut", finish="length")) as served, customer(served) as client:
        message = await client.messages.create(**said())
    assert (texts(message), message.stop_reason) == ("cut", "max_tokens")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_stays_with_whoever_called_its_tool(tmp_path: Path, *, stream: bool) -> None:
    called = Answer(tool_calls=CALLS[:1], extra={"reasoning_content": "hm"})
    async with proxy(tmp_path, Answer(text=" "), called) as served, customer(served) as client:
        request = said(tools=[FIND], thinking={"type": "adaptive"})
        if stream:
            async with client.messages.stream(**request) as events:
                first: Any = await events.get_final_message()
        else:
            first = await client.messages.create(**request)
        (used,) = (block for block in first.content if block.type == "tool_use")
        result: Any = {"type": "tool_result", "tool_use_id": used.id, "content": [{"type": "text", "text": "shipped"}]}
        turns = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        raw = await client.messages.with_raw_response.create(**{**request, "messages": turns})
    assert (raw.headers["x-router-reason"], raw.headers["x-router-path"]) == ("pinned", "frontier:ok")


@anthropic.beta_async_tool
async def find(id: int) -> str:  # noqa: A002  the name of its argument in the calls above
    """Find an order."""
    return f"order {id} is shipped"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_tool_runner_goes_on_without_a_thread(tmp_path: Path, *, stream: bool) -> None:
    called: Any = script([Answer(tool_calls=CALLS[:1]), Answer(text="It is shipped.")])
    async with proxy(tmp_path, called) as served, customer(served) as client:
        runner: Any = client.beta.messages.tool_runner(**said(model="tuned", tools=[find]), stream=stream)
        last = await runner.until_done()
        told = [message["content"] for message in asked(served, 1)["messages"] if message["role"] == "tool"]
        with pytest.raises(anthropic.BadRequestError, match="thread=False") as caught:
            await client.beta.messages.create(**said(extra_body={"thread": {"type": "create"}}))
    assert (texts(last), told) == ("It is shipped.", ["order 7 is shipped"])
    assert caught.value.error_code == "thread_unsupported_request"


async def test_its_decision_is_found_by_the_message_s_id(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        message = await client.messages.create(**said())
        decision: Any = await client.get(f"/v1/decisions/{message.id}", cast_to=object)
    assert [each["deployment"] for each in decision["path"]] == ["tuned-a"]


async def test_the_second_time_it_is_remembered_and_chat_completions_share_it(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        again = said(extra_body={"temperature": 0})
        raws = [await client.messages.with_raw_response.create(**again) for _ in range(2)]
        async with client.messages.stream(**again) as stream:
            streamed = await stream.get_final_message()
        async with AsyncOpenAI(base_url=served.base_url, api_key="any", max_retries=0) as other:
            chat = await other.chat.completions.with_raw_response.create(
                model="auto", max_tokens=50, temperature=0, messages=[{"role": "user", "content": "hello"}]
            )
        assert len(served.tuned.requests) == 1
    assert [raw.headers["x-router-cache"] for raw in raws] == ["miss", "hit"]
    assert chat.headers["x-router-cache"] == "hit"
    first, second = [await raw.parse() for raw in raws]
    assert first == second
    assert texts(streamed) == texts(first) == "hi"
    assert streamed.usage.output_tokens == first.usage.output_tokens
    assert chat.parse().choices[0].message.content == "hi"


# ------------------------------------------------------------------------------------------------------- what is caught


FAILS: list[tuple[dict[str, Any], type[anthropic.APIStatusError], str]] = [
    ({"status": 400, "error": {"code": "odd"}}, anthropic.BadRequestError, "invalid_request_error"),
    ({"status": 413}, anthropic.APIStatusError, "request_too_large"),
    ({"status": 422, "error": {"code": "odd"}}, anthropic.UnprocessableEntityError, "invalid_request_error"),
    ({"status": 429, "error": {"code": "insufficient_quota"}}, anthropic.RateLimitError, "rate_limit_error"),
    ({"status": 500, "error": {"code": "boom"}}, anthropic.InternalServerError, "api_error"),
    ({"status": 503}, anthropic.ServiceUnavailableError, "overloaded_error"),
    ({"status": 529, "error": "busy"}, anthropic.OverloadedError, "overloaded_error"),
    ({"status": 401, "error": "your key"}, anthropic.InternalServerError, "api_error"),
    ({"reset": "before"}, anthropic.InternalServerError, "api_error"),
    ({"choices": []}, anthropic.InternalServerError, "api_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("answer", "kind", "told"), FAILS)
async def test_what_an_upstream_fails_with_is_raised_as_anthropic_raises_it(
    tmp_path: Path, answer: dict[str, Any], kind: type[anthropic.APIStatusError], told: str, *, stream: bool
) -> None:
    async with proxy(tmp_path, Answer.from_data(answer)) as served, customer(served) as client:
        with pytest.raises(kind) as caught:
            await client.messages.create(**said(model="tuned"), stream=stream)
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", told)
    assert body["request_id"] == caught.value.request_id == caught.value.response.headers["x-request-id"]


async def test_a_base_url_with_v1_is_told_by_the_client_that_adds_it(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        with pytest.raises(anthropic.NotFoundError, match="base_url should not end in /v1"):
            await client.with_options(base_url=served.base_url).messages.create(**said())


async def test_the_proxy_s_own_refusals(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi"), changes=WITH_KEYS) as served:
        async with customer(served, "sf-eve") as stranger:
            with pytest.raises(anthropic.AuthenticationError) as unknown:
                await stranger.messages.create(**said())
            with pytest.raises(anthropic.AuthenticationError):
                await stranger.messages.count_tokens(model="auto", messages=HELLO)
        async with customer(served, KEY) as client:
            with pytest.raises(anthropic.NotFoundError, match="auto") as nothing:
                await client.messages.create(**said(model="claude-9"))
            with pytest.raises(anthropic.BadRequestError, match="messages: at least one") as wrong:
                await client.messages.create(**said(messages=[]))
            with pytest.raises(anthropic.BadRequestError, match=r"tools\.0: 'web_search_20250305' is a tool"):
                await client.messages.create(**said(tools=[{"type": "web_search_20250305", "name": "web_search"}]))
            with pytest.raises(anthropic.BadRequestError, match=r"max_tokens: field required\."):
                await client.post("/v1/messages", body={"model": "auto", "messages": HELLO}, cast_to=object)
            with pytest.raises(anthropic.APIStatusError) as method:
                await client.get("/v1/messages", cast_to=object)
    errors = [unknown.value, nothing.value, wrong.value, method.value]
    assert [error.type for error in errors] == [
        *("authentication_error", "not_found_error", "invalid_request_error", "invalid_request_error")
    ]
    assert [error.error_code for error in errors] == [
        *("invalid_api_key", "model_not_found", "empty_array", "method_not_allowed")
    ]
    assert method.value.status_code == 405


async def test_a_key_alone_in_its_header(tmp_path: Path) -> None:
    omitted: Any = {"Authorization": anthropic.Omit()}
    async with proxy(tmp_path, Answer(text="hi"), changes=WITH_KEYS) as served:
        async with customer(served, default_headers={"X-Api-Key": KEY, **omitted}) as client:
            assert texts(await client.messages.create(**said())) == "hi"
        async with customer(served, default_headers={"X-Api-Key": "sf-eve", **omitted}) as stranger:
            with pytest.raises(anthropic.AuthenticationError):
                await stranger.messages.create(**said())


async def test_a_key_that_has_used_its_limit_hears_when_to_try_again(tmp_path: Path) -> None:
    changes = {**WITH_KEYS, "limits": {"everybody": {"requests_per_minute": 1}}}
    async with proxy(tmp_path, Answer(text="hi"), changes=changes) as served, customer(served, KEY) as client:
        await client.messages.create(**said())
        with pytest.raises(anthropic.RateLimitError, match="1 request") as caught:
            await client.messages.create(**said(), stream=True)
    assert (caught.value.type, caught.value.error_code) == ("rate_limit_error", "rate_limit_exceeded")
    assert int(caught.value.response.headers["retry-after"]) > 0


async def test_retry_after_reaches_the_customer(tmp_path: Path) -> None:
    answer = Answer(status=429, error="slow down", headers={"retry-after": "17"})
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            await client.messages.create(**said(model="tuned"))
    assert caught.value.response.headers["retry-after"] == "17"


@pytest.mark.parametrize("end", [{"cut_after": 2}, {"reset_after": 2}, {"finish": None}])
async def test_a_stream_that_breaks_off_is_raised_and_never_a_clean_end(tmp_path: Path, end: dict[str, Any]) -> None:
    heard: list[str] = []
    async with (
        proxy(tmp_path, Answer(stream=["one", " two"], between=0.02, **end)) as served,
        customer(served) as client,
    ):
        with pytest.raises(anthropic.APIStatusError, match="the answer broke off") as caught:
            await hear(client, heard)
        assert served.counted("router_requests_total", outcome="broken") == 1
        assert served.counted("router_requests_total") == 1
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "api_error")
    assert caught.value.error_code == "stream_broken"
    assert heard[0] == "message_start"
    assert "message_stop" not in heard


async def test_who_leaves_a_stream_ends_the_upstream_s_work(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, you", stall_after=2)) as served, customer(served) as client:
        async with client.messages.stream(**said()) as stream:
            async for _ in stream.text_stream:
                break
        await served.tuned.left(1)
        assert served.tuned.cancelled == 1
        assert served.counted("router_requests_total", outcome="left") == 1


async def test_keepalives_are_pings(tmp_path: Path) -> None:
    changes = {"routes": {"auto": {"keepalive": "20ms"}}}
    answer = Answer(text="hello, you", delay=0.2)
    async with proxy(tmp_path, answer, changes=changes) as served, customer(served) as client:
        async with client.messages.with_streaming_response.create(**said(), stream=True) as raw:
            told = b"".join([part async for part in raw.iter_bytes()])
        async with client.messages.stream(**said()) as stream:
            message = await stream.get_final_message()
    assert told.startswith(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert texts(message) == "hello, you"


async def test_what_fails_after_the_first_ping_is_raised_all_the_same(tmp_path: Path) -> None:
    changes = {"routes": {"auto": {"keepalive": "20ms"}}}
    broken = Answer(status=500, error="boom", delay=0.1)
    async with proxy(tmp_path, broken, broken, changes) as served, customer(served) as client:
        with pytest.raises(anthropic.APIStatusError, match="boom") as caught:
            await hear(client, [])
    assert caught.value.status_code == 200
    assert caught.value.type == "api_error"


# ------------------------------------------------------------------------------------------------------ what is counted


async def test_tokens_are_counted_by_estimate_and_nobody_is_asked(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi"), changes=WITH_KEYS) as served, customer(served, KEY) as client:
        short = await client.messages.count_tokens(model="auto", messages=HELLO)
        long = await client.messages.count_tokens(
            model="auto", messages=[{"role": "user", "content": "x" * 4000}], tools=[FIND], system="Be kind."
        )
        with pytest.raises(anthropic.BadRequestError) as wrong:
            await client.messages.count_tokens(model="auto", messages=[])
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.count_tokens(model="claude-9", messages=HELLO)
        assert served.tuned.requests == []
    assert short.input_tokens == 5
    assert 1_000 < long.input_tokens < 1_100
    assert wrong.value.type == "invalid_request_error"
    assert wrong.value.request_id == wrong.value.response.headers["x-request-id"]
