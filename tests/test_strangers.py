"""Whatever JSON a client or an upstream makes up, nothing is a fault of ours: properties over the whole pipeline."""

import asyncio
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router import chat
from router.errors import BadRequest
from tests.canned import Canned, answer, house
from tests.plans import TWO_TIERS
from tests.test_pipeline import ended
from tests.upstream.pieces import chunk

RULES = """auto: {rules: [
    {name: pii, when: {pii: [email, card, iban]}, require: {eu: "yes"}},
    {name: tools, when: {tools: [find]}, start: frontier},
    {name: metadata, when: {metadata: {a: b}}, start: frontier},
    {name: regex, when: {regex: "x+y"}, start: frontier},
    {name: rest, start: frontier,
     when: {images: true, audio: true, json_schema: true, tokens: {min: 5}, turns: {min: 1}, language: [greek]}},
  ], """
POLICY = TWO_TIERS.replace("auto: {", RULES).replace("difficulty: 0.2", "difficulty: builtin")

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=8) | st.sampled_from(["user", "assistant", "text", "image_url", "a@b.io", "stop", "length"])
anything = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def objects(*fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which any of these fields may stand, and hold anything."""
    return st.dictionaries(st.sampled_from(fields) | texts, anything, max_size=5)


parts = objects("type", "text", "image_url")
calls = objects("index", "id", "type", "function") | st.builds(
    lambda function: {"function": function}, objects("name", "arguments")
)
messages = st.builds(
    lambda rest, role, content: {**rest, "role": role, "content": content},
    objects("tool_calls", "function_call", "refusal", "name", "tool_call_id", "reasoning_content"),
    st.sampled_from(["user", "assistant", "system", "tool"]) | texts,
    st.none() | texts | st.lists(parts, max_size=3),
) | st.builds(lambda made: {"role": "assistant", "tool_calls": made}, st.lists(calls | anything, max_size=2))
requests = st.builds(
    lambda rest, tools, said, stream: {**rest, **tools, "model": "auto", "messages": said, "stream": stream},
    objects("functions", "response_format", "metadata", "n", "max_tokens", "temperature", "stream_options", "user"),
    st.just({}) | st.builds(lambda made: {"tools": made}, st.lists(calls, max_size=2)),
    st.lists(messages, min_size=1, max_size=3),
    st.booleans(),
)
usages = st.none() | anything | objects("prompt_tokens", "completion_tokens", "prompt_tokens_details")
answers = st.builds(
    lambda rest, choices, usage: {**rest, "choices": choices, "usage": usage},
    objects("model", "error", "id"),
    anything
    | st.lists(
        st.builds(
            lambda rest, message: {**rest, "message": message, "delta": message, "finish_reason": "stop"},
            objects("index", "finish_reason"),
            objects("content", "refusal", "tool_calls", "function_call", "reasoning")
            | st.builds(lambda made: {"tool_calls": made}, st.lists(calls, max_size=2)),
        ),
        max_size=2,
    ),
    usages,
)
thorough = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def status_of(request: chat.ChatRequest, small: Canned) -> int:
    """Let a request go its way; an exception that nobody expects comes out here."""
    one = house(small, Canned(answer(), pieces=[chunk("a", "stop")]), POLICY)

    async def go() -> int:
        reply = await one.pipeline.complete(request)
        await ended(reply)
        return reply.status

    status = asyncio.run(go())
    assert len(one.outcomes) == 1
    assert all(member.busy == 0 for member in one.pipeline.pool.members.values())
    return status


@thorough
@given(requests | anything)
def test_any_request_is_answered_or_refused(body: Any) -> None:
    try:
        request = chat.parse(orjson.dumps(body))
    except BadRequest:
        return
    assert status_of(request, Canned(answer(), pieces=[chunk("a", "stop")])) in {200, 404}


@thorough
@given(answers | anything)
def test_any_whole_answer_is_served_or_replaced(made: Any) -> None:
    request = chat.parse(b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}')
    assert status_of(request, Canned(orjson.dumps(made))) == 200


@thorough
@given(st.lists(answers | anything, max_size=4))
def test_any_stream_is_forwarded_or_replaced_or_broken_off(made: list[Any]) -> None:
    request = chat.parse(b'{"model": "auto", "stream": true, "messages": [{"role": "user", "content": "hi"}]}')
    pieces = [b"data: " + orjson.dumps(one) + b"\n\n" for one in made]
    assert status_of(request, Canned(pieces=pieces)) == 200
