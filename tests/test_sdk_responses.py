"""The official `openai` clients against `/v1/responses` of a running proxy: what they read, accumulate and catch."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openai  # noqa: TID253  plays the customer
import orjson
import pytest
from openai.types.responses import (  # noqa: TID253
    CustomToolParam,
    FunctionToolParam,
    Response,
    ResponseInputParam,
    ResponseStreamEvent,
)
from pydantic import BaseModel

from router.demo.answers import Answer
from tests.proxy import KEY, Proxy, proxy
from tests.talking import talk
from tests.waiting import until

FIND: FunctionToolParam = {
    "type": "function",
    "name": "find",
    "description": "finds",
    "strict": True,
    "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
}
CALLS = [{"name": "find", "arguments": {"id": 7}}, {"name": "find", "arguments": {"id": 8}}]
REMEMBERS = {"routes": {"auto": {"cache": {"exact": {"ttl": "1h"}}}}}


class Ticket(BaseModel):
    """What an answer is to be parsed as."""

    team: str
    urgent: bool


def customer(served: Proxy, key: str = "any", **more: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=served.base_url, api_key=key, max_retries=0, **more)


def calls_of(response: Response) -> list[tuple[str, str]]:
    return [(item.name, item.arguments) for item in response.output if item.type == "function_call"]


def types(events: Iterable[ResponseStreamEvent]) -> list[str]:
    return [event.type for event in events]


async def hear(stream: openai.AsyncStream[ResponseStreamEvent], events: list[ResponseStreamEvent]) -> None:
    """Add what comes of a stream to these events, up to its end or an error."""
    async for event in stream:
        events.append(event)  # noqa: PERF401  what came before an error counts too


# --------------------------------------------------------------------------------------------------------- what is read


async def test_a_whole_response(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, you")) as served, customer(served) as client:
        response = await client.responses.create(model="auto", input="hello", instructions="Be kind.")
        asked = served.tuned.requests[0].data["messages"]
    Response.model_validate(response.to_dict())
    assert (response.output_text, response.status, response.model) == ("hello, you", "completed", "small")
    assert response.usage is not None
    assert response.usage.output_tokens == 3
    assert asked == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"}]


async def test_a_stream_and_what_the_client_makes_of_it(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, all of you")) as served, customer(served) as client:
        async with client.responses.stream(model="auto", input="hello") as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()
        whole = await client.responses.create(model="auto", input="hello")
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == final.output_text == whole.output_text == "hello, all of you"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.usage == whole.usage


async def test_the_events_of_a_stream_come_in_openai_s_order(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello")) as served, customer(served) as client:
        events = [event async for event in await client.responses.create(model="auto", input="hi", stream=True)]
    assert types(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


async def test_a_stream_is_read_wherever_the_network_has_split_it(tmp_path: Path) -> None:
    cut = Answer(text="hello, all of you", split_at=range(1, 900, 7))
    async with (
        proxy(tmp_path, cut) as served,
        customer(served) as client,
        client.responses.stream(model="auto", input="hello") as stream,
    ):
        assert (await stream.get_final_response()).output_text == "hello, all of you"


async def test_a_client_without_a_loop(tmp_path: Path) -> None:
    def visit(base_url: str) -> tuple[str, str]:
        with openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
            whole = client.responses.create(model="auto", input="hello")
            with client.responses.stream(model="auto", input="hello") as stream:
                return whole.output_text, stream.get_final_response().output_text

    async with proxy(tmp_path, Answer(text="hello, you")) as served:
        assert await asyncio.to_thread(visit, served.base_url) == ("hello, you", "hello, you")


async def test_parallel_calls_whole_and_streamed(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(tool_calls=CALLS)) as served, customer(served) as client:
        whole = await client.responses.create(model="auto", input="find", tools=[FIND])
        async with client.responses.stream(model="auto", input="find", tools=[FIND]) as stream:
            streamed = await stream.get_final_response()
        assert served.tuned.requests[0].data["tools"][0]["function"]["strict"] is True
    assert calls_of(whole) == calls_of(streamed) == [("find", '{"id":7}'), ("find", '{"id":8}')]
    ids = [item.call_id for item in whole.output if item.type == "function_call"]
    assert len(set(ids)) == 2


async def test_the_turn_after_a_call_has_all_of_the_first(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(tool_calls=CALLS)) as served, customer(served) as client:
        first = await client.responses.create(model="auto", input="find", tools=[FIND])
        said: ResponseInputParam = [{"role": "user", "content": "find"}]
        said += [item.to_dict() for item in first.output]  # type: ignore[misc]  # as OpenAI's own examples do it
        for item in first.output:
            assert item.type == "function_call"
            said.append({"type": "function_call_output", "call_id": item.call_id, "output": f"found {item.call_id}"})
        await client.responses.create(model="auto", input=said, tools=[FIND])
        messages = served.tuned.requests[1].data["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    ids = [call["id"] for call in messages[1]["tool_calls"]]
    assert [(message["tool_call_id"], message["content"]) for message in messages[2:]] == [
        (call_id, f"found {call_id}") for call_id in ids
    ]


async def test_a_structured_answer_is_parsed_whole_and_streamed(tmp_path: Path) -> None:
    answer = Answer(text='{"team": "billing", "urgent": true}')
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        whole = await client.responses.parse(model="auto", input="hi", text_format=Ticket)
        async with client.responses.stream(model="auto", input="hi", text_format=Ticket) as stream:
            streamed = await stream.get_final_response()
        asked = served.tuned.requests[0].data["response_format"]
    assert whole.output_parsed == streamed.output_parsed == Ticket(team="billing", urgent=True)
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "Ticket",
        True,
    )


async def test_a_call_s_arguments_are_parsed(tmp_path: Path) -> None:
    class Find(BaseModel):
        """Find a ticket."""

        id: int

    tool = openai.pydantic_function_tool(Find)["function"]
    declared: Any = {"type": "function", **tool}
    answer = Answer(tool_calls=[{"name": "Find", "arguments": {"id": 7}}])
    async with proxy(tmp_path, answer) as served, customer(served) as client:
        response = await client.responses.parse(model="auto", input="hi", tools=[declared])
    (item,) = response.output
    assert item.type == "function_call"
    assert item.parsed_arguments == {"id": 7}


async def test_a_refusal_whole_and_streamed(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(refusal="I cannot help with that")) as served, customer(served) as client:
        whole = await client.responses.create(model="tuned", input="hi")
        events = [event async for event in await client.responses.create(model="tuned", input="hi", stream=True)]
    refused = "".join(event.delta for event in events if event.type == "response.refusal.delta")
    assert refused == "I cannot help with that"
    last = events[-1]
    assert last.type == "response.completed"
    (message,) = last.response.output
    assert whole.output_text == ""
    assert message == whole.output[0].model_copy(update={"id": message.id})
    assert message.type == "message"
    assert message.content[0].to_dict() == {"type": "refusal", "refusal": "I cannot help with that"}


async def test_reasoning_is_an_item_of_its_own(tmp_path: Path) -> None:
    answer = Answer(stream=[{"reasoning_content": "hm, "}, {"reasoning_content": "well"}, "yes"])
    async with (
        proxy(tmp_path, answer) as served,
        customer(served) as client,
        client.responses.stream(model="auto", input="hi", reasoning={"effort": "low"}) as stream,
    ):
        response = await stream.get_final_response()
        assert served.tuned.requests[0].data["reasoning_effort"] == "low"
    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.content or []] == ["hm, well"]
    assert message.type == "message"
    assert response.output_text == "yes"


async def test_what_a_client_cut_off_itself_is_incomplete(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hel", finish="length")) as served, customer(served) as client:
        whole = await client.responses.create(model="auto", input="hello", max_output_tokens=16)
        events = [
            event
            async for event in await client.responses.create(
                model="auto", input="hello", max_output_tokens=16, stream=True
            )
        ]
        assert served.tuned.requests[0].data["max_completion_tokens"] == 16
    assert (whole.status, whole.output_text) == ("incomplete", "hel")
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == "max_output_tokens"
    assert events[-1].type == "response.incomplete"


async def test_fields_that_nobody_knows_are_forwarded(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        await client.responses.create(model="auto", input="hi", user="u-1", extra_body={"ignore_eos": True})
        assert {"user": "u-1", "ignore_eos": True}.items() <= served.tuned.requests[0].data.items()


# ----------------------------------------------------------------------------------------- what the proxy is there for


async def test_an_answer_that_is_not_good_enough_is_another_tier_s(tmp_path: Path) -> None:
    held, cut = {"tiers": {"tuned": {"hold": "all"}}}, Answer(text="cut", finish="length")
    async with proxy(tmp_path, cut, changes=held) as served, customer(served) as client:
        raw = await client.responses.with_raw_response.create(model="auto", input="hello")
        async with client.responses.stream(model="auto", input="hello") as stream:
            streamed = await stream.get_final_response()
    assert raw.headers["x-router-path"] == "tuned:truncated,frontier:ok"
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    assert raw.parse().output_text == "hello from frontier-a"
    assert streamed.output_text == "hello from frontier-a"


async def test_calls_that_nobody_can_carry_out_are_another_tier_s(tmp_path: Path) -> None:
    wrong = Answer(tool_calls=[{"name": "lose", "arguments": {}}])
    right = Answer(tool_calls=CALLS[:1])
    changes = {"tiers": {"tuned": {"checks": ["tool_calls"]}}}
    async with proxy(tmp_path, wrong, right, changes) as served, customer(served) as client:
        async with client.responses.stream(model="auto", input="find", tools=[FIND]) as stream:
            streamed = await stream.get_final_response()
        assert served.counted("router_escalations_total", reason="unknown_tool") == 1
    assert calls_of(streamed) == [("find", '{"id":7}')]


async def test_what_was_asked_before_is_remembered_whole_and_streamed(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"model": "auto", "input": "hello", "temperature": 0}
    async with proxy(tmp_path, Answer(text="hello, you"), changes=REMEMBERS) as served, customer(served) as client:
        first = await client.responses.create(**asked)
        again = await client.responses.with_raw_response.create(**asked)
        *_, last = [event async for event in await client.responses.create(**asked, stream=True)]
        assert len(served.tuned.requests) == 1
    assert again.headers["x-router-cache"] == "hit"
    assert again.parse() == first
    assert last.type == "response.completed"
    assert last.response == first


async def test_a_stream_that_was_remembered_is_the_same_whole(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"model": "auto", "input": "find", "temperature": 0, "tools": [FIND]}
    async with proxy(tmp_path, Answer(tool_calls=CALLS), changes=REMEMBERS) as served, customer(served) as client:
        async with client.responses.stream(**asked) as stream:
            streamed = await stream.get_final_response()
        await until(lambda: served.counted("router_requests_total") == 1)
        again = await client.responses.with_raw_response.create(**asked)
    assert again.headers["x-router-cache"] == "hit"
    assert calls_of(again.parse()) == calls_of(streamed)


async def test_a_custom_tool_s_call_passes_its_check_and_is_remembered(tmp_path: Path) -> None:
    head = {"index": 0, "id": "call_c", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    rest = {"index": 0, "custom": {"input": " 1"}}
    answer = Answer(stream=[{"tool_calls": [head]}, {"tool_calls": [rest]}], finish="tool_calls")
    changes = {"tiers": {"tuned": {"checks": ["tool_calls"]}}, **REMEMBERS}
    tool: CustomToolParam = {"type": "custom", "name": "sql"}
    asked: dict[str, Any] = {"model": "auto", "input": "how many?", "temperature": 0, "tools": [tool]}
    async with proxy(tmp_path, answer, changes=changes) as served, customer(served) as client:
        *_, last = [event async for event in await client.responses.create(**asked, stream=True)]
        await until(lambda: served.counted("router_requests_total") == 1)
        again = await client.responses.with_raw_response.create(**asked)
    assert again.headers["x-router-cache"] == "hit"
    assert last.type == "response.completed"
    assert again.parse().output == last.response.output
    (item,) = last.response.output
    assert item.type == "custom_tool_call"
    assert (item.name, item.input, item.call_id) == ("sql", "SELECT 1", "call_c")


async def test_an_answer_that_breaks_its_format_is_another_tier_s(tmp_path: Path) -> None:
    checked = {"tiers": {"tuned": {"checks": ["json_schema"]}}}
    right = Answer(text='{"team": "billing", "urgent": true}')
    async with proxy(tmp_path, Answer(text='{"team": 7}'), right, checked) as served, customer(served) as client:
        whole = await client.responses.parse(model="auto", input="hi", text_format=Ticket)
        async with client.responses.stream(model="auto", input="hi", text_format=Ticket) as stream:
            streamed = await stream.get_final_response()
        assert served.counted("router_escalations_total") == 2
    assert whole.output_parsed == streamed.output_parsed == Ticket(team="billing", urgent=True)


async def test_rules_read_what_was_asked_in_other_words(tmp_path: Path) -> None:
    rules = [
        {"name": "pictures", "when": {"images": True}, "start": "frontier"},
        {"name": "vip", "when": {"metadata": {"plan": "gold"}}, "start": "frontier"},
        {"name": "coded", "when": {"tools": ["find"]}, "start": "frontier"},
    ]
    picture: ResponseInputParam = [
        {
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"}],
        }
    ]
    asked: list[dict[str, Any]] = [
        {"input": picture},
        {"input": "hi", "metadata": {"plan": "gold"}},
        {"input": "hi", "tools": [FIND]},
        {"input": "hi"},
    ]
    async with (
        proxy(tmp_path, Answer(text="hi"), changes={"routes": {"auto": {"rules": rules}}}) as served,
        customer(served) as client,
    ):
        reasons = [
            (await client.responses.with_raw_response.create(model="auto", **each)).headers["x-router-reason"]
            for each in asked
        ]
    assert reasons == ["rule:pictures", "rule:vip", "rule:coded", "easy"]


async def test_a_stream_that_waits_is_kept_open_by_comments(tmp_path: Path) -> None:
    waits = {"routes": {"auto": {"keepalive": 0.05}}}
    body = orjson.dumps({"model": "auto", "input": "hi", "stream": True})
    async with proxy(tmp_path, Answer(text="hello", delay=0.2), changes=waits) as served:
        async with talk(served.base_url) as client:
            heads = {"host": "x", "content-length": str(len(body))}
            heard = await client.say("POST", "/v1/responses", heads, body)
        async with customer(served) as other, other.responses.stream(model="auto", input="hi") as stream:
            assert (await stream.get_final_response()).output_text == "hello"
    assert heard.body.startswith(b": keepalive\n\n")
    assert b"\n\nevent: response.completed\ndata: " in heard.body


async def test_what_fails_after_a_comment_is_a_failed_response(tmp_path: Path) -> None:
    waits, fails = {"routes": {"auto": {"keepalive": 0.05}}}, Answer(status=500, delay=0.2)
    async with proxy(tmp_path, fails, fails, waits) as served, customer(served) as client:
        events: list[ResponseStreamEvent] = []
        with pytest.raises(openai.APIError) as caught:
            await hear(await client.responses.create(model="auto", input="hi", stream=True), events)
    assert types(events) == ["response.created", "response.in_progress", "response.failed"]
    assert caught.value.code == "upstream_failed"


async def test_log_probabilities_are_shown_to_who_asked_and_to_nobody_else(tmp_path: Path) -> None:
    logprobs = {"content": [{"token": "hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
    message = {"role": "assistant", "content": "hi"}
    answer = Answer(choices=[{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}])
    checked = {"tiers": {"tuned": {"checks": [{"logprob": {"mean": -1}}]}}}
    async with proxy(tmp_path, answer, changes=checked) as served, customer(served) as client:
        hidden = await client.responses.create(model="auto", input="hi")
        shown = await client.responses.create(model="auto", input="hi", include=["message.output_text.logprobs"])
    told = []
    for response in (hidden, shown):
        (item,) = response.output
        assert item.type == "message"
        assert item.content[0].type == "output_text"
        told.append([token.logprob for token in item.content[0].logprobs or []])
    assert told == [[], [-0.1]]


async def test_a_response_s_id_leads_to_its_decision_and_takes_feedback(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        raw = await client.responses.with_raw_response.create(model="auto", input="hi")
        response_id, request_id = raw.parse().id, raw.headers["x-request-id"]
        async with talk(served.base_url) as other:
            decided = await other.say("GET", f"/v1/decisions/{response_id}", {"host": "x"})
            said = orjson.dumps({"id": response_id, "score": 1})
            heads = {"host": "x", "content-length": str(len(said))}
            taken = await other.say("POST", "/v1/feedback", heads, said)
    assert orjson.loads(decided.body)["id"] == request_id
    assert taken.status == 202


async def test_tokens_are_counted_without_asking_anybody(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served, customer(served) as client:
        short = await client.responses.input_tokens.count(model="auto", input="hello")
        long = await client.responses.input_tokens.count(model="auto", input="hello", instructions="x" * 400)
        with pytest.raises(openai.BadRequestError) as wrong:
            await client.responses.input_tokens.count(model="auto", input="hello", conversation="conv_1")
        assert served.tuned.requests == served.frontier.requests == []
    assert short.object == "response.input_tokens"
    assert 100 <= long.input_tokens - short.input_tokens <= 110
    assert wrong.value.param == "conversation"


# ------------------------------------------------------------------------------------------------------- what is caught


FAILS: list[tuple[dict[str, Any], type[openai.APIStatusError], str | None]] = [
    ({"status": 400, "error": {"code": "context_length_exceeded"}}, openai.BadRequestError, "context_length_exceeded"),
    ({"status": 422, "error": {"code": "odd", "message": "no"}}, openai.UnprocessableEntityError, "odd"),
    (
        {"status": 429, "error": {"code": "insufficient_quota", "message": "no"}},
        openai.RateLimitError,
        "insufficient_quota",
    ),
    ({"status": 500, "error": {"code": "boom", "message": "no"}}, openai.InternalServerError, "boom"),
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
            await client.responses.create(model="tuned", input="hi", stream=stream)
        assert caught.value.code == code
        assert caught.value.request_id == caught.value.response.headers["x-request-id"]


async def test_the_proxy_s_own_refusals(tmp_path: Path) -> None:
    keys = {"auth": {"keys": "keys.yaml"}}
    async with proxy(tmp_path, Answer(text="hi"), changes=keys) as served:
        async with customer(served, "sf-eve") as stranger:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await stranger.responses.create(model="auto", input="hi")
        async with customer(served, KEY) as client:
            with pytest.raises(openai.NotFoundError) as nothing:
                await client.responses.create(model="gpt-9", input="hi")
            with pytest.raises(openai.BadRequestError) as empty:
                await client.responses.create(model="auto", input=[])
            with pytest.raises(openai.BadRequestError) as stored:
                await client.responses.create(model="auto", input="hi", previous_response_id="resp_1")
            with pytest.raises(openai.NotFoundError) as gone:
                await client.responses.retrieve("resp_1")
            assert (await client.responses.create(model="auto", input="hi")).output_text == "hi"
    assert unknown.value.code == "invalid_api_key"
    assert (nothing.value.code, nothing.value.param) == ("model_not_found", "model")
    assert (empty.value.code, empty.value.param) == ("empty_array", "input")
    assert (stored.value.code, stored.value.param) == ("unsupported_parameter", "previous_response_id")
    assert "send the whole conversation in 'input'" in stored.value.message
    assert gone.value.code == "response_not_found"
    assert "send the whole conversation as 'input'" in gone.value.message


@pytest.mark.parametrize("end", [{"cut_after": 2}, {"reset_after": 2}, {"finish": None}])
async def test_a_stream_that_breaks_off_is_raised_and_never_a_clean_end(tmp_path: Path, end: dict[str, Any]) -> None:
    broken = Answer(stream=["one", " two"], between=0.02, **end)
    async with proxy(tmp_path, broken) as served, customer(served) as client:
        events: list[ResponseStreamEvent] = []
        with pytest.raises(openai.APIError, match="the answer broke off") as caught:
            await hear(await client.responses.create(model="auto", input="hi", stream=True), events)
        assert caught.value.code == "stream_broken"
        assert served.counted("router_requests_total", outcome="broken") == 1
    last = events[-1]
    assert last.type == "response.failed"
    assert last.response.status == "failed"
    assert last.response.error is not None
    assert "the answer broke off" in last.response.error.message
    assert last.response.output_text.startswith("one")


async def test_the_client_s_accumulator_raises_what_broke_off(tmp_path: Path) -> None:
    async with (
        proxy(tmp_path, Answer(stream=["one", " two"], between=0.02, cut_after=2)) as served,
        customer(served) as client,
        client.responses.stream(model="auto", input="hi") as stream,
    ):
        with pytest.raises(openai.APIError, match="the answer broke off"):
            await stream.get_final_response()


async def test_who_leaves_a_stream_ends_the_upstream_s_work(tmp_path: Path) -> None:
    async with proxy(tmp_path, Answer(text="hello, you", stall_after=2)) as served, customer(served) as client:
        events = await client.responses.create(model="auto", input="hi", stream=True)
        async for event in events:
            if event.type == "response.output_text.delta":
                break
        await events.close()
        await served.tuned.left(1)
        assert served.counted("router_requests_total", outcome="left") == 1
