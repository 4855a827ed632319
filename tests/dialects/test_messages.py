"""Anthropic's Messages API is a dialect: it reads requests, tells answers, streams and errors."""

from typing import Any

import orjson
import pytest

from router.dialects import Dialect, Exchange, Telling
from router.dialects.messages import Messages, to_count
from router.errors import BadRequest

BODY: dict[str, Any] = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


def read(**fields: Any) -> Exchange:
    dialect: Dialect = Messages()
    return dialect.read(orjson.dumps({**BODY, **fields}))


def test_a_request_is_read_as_a_chat_completion_s() -> None:
    request = read(stream=True).request
    assert (request.model, request.stream, request.include_usage, request.output_cap) == ("auto", True, True, 50)
    assert request.body == {**BODY, "stream": True, "stream_options": {"include_usage": True}}


def test_an_answer_is_told_whole_and_streamed_as_the_request_wants_it() -> None:
    exchange = read(thinking={"type": "adaptive"}, stop_sequences=["END"])
    said = {"content": "hi", "reasoning_content": "hm"}
    choice = {"message": said, "finish_reason": "stop", "stop_reason": "END"}
    whole = exchange.whole({"id": "c", "choices": [choice]})
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["stop_sequence"] == "END"
    telling: Telling = exchange.stream()
    assert b'"thinking_delta"' in telling.chunk({"id": "c", "choices": [{"delta": said}]})
    telling.chunk({"choices": [{**choice, "delta": {}}]})
    assert b'"stop_sequence":"END"' in telling.end()


def test_an_error_is_told_in_anthropic_s_envelope() -> None:
    told = Messages().problem(429, {"message": "slow down"}, "req_1")
    error = {"type": "rate_limit_error", "message": "slow down"}
    assert told == {"type": "error", "error": error, "request_id": "req_1"}


@pytest.mark.parametrize("raw", [b"{", b"[]", b"7", b"", b'{"model": "auto"}', orjson.dumps({**BODY, "thinking": 1})])
def test_what_is_no_request_is_told(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        Messages().read(raw)


def test_who_only_counts_asks_for_nothing() -> None:
    request = to_count(orjson.dumps({"model": "auto", "messages": BODY["messages"], "thinking": {"type": "adaptive"}}))
    assert request.body == {"model": "auto", "messages": BODY["messages"]}
