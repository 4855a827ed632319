"""Responses whole: a request is a chat completion's, and its answer a response with everything that a client reads."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import chat
from router.chat import Malformed
from router.dialects.responses import Responses
from router.errors import BadRequest
from tests.dialects.responding import JSON, asked, completion, exchange, valid, whole

CALL = {"id": "call_a", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}


def test_a_request_is_a_chat_completion_s() -> None:
    request = asked(stream=True, max_output_tokens=50)
    assert (request.model, request.stream, request.include_usage, request.output_cap) == ("auto", True, True, 50)
    assert request.messages == [{"role": "user", "content": "hello"}]


def test_a_whole_answer_is_a_response() -> None:
    response = whole({"content": "hello, you", "refusal": None}, temperature=0.5)
    assert response == {
        "id": "chatcmpl-1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": "small",
        "output": [
            {
                "id": "msg_chatcmpl-1_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "hello, you", "annotations": [], "logprobs": []}],
            }
        ],
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7,
        },
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": None,
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": None,
        "top_p": None,
        "truncation": "disabled",
    }


def test_reasoning_a_message_and_calls_are_items_in_this_order() -> None:
    message = {"reasoning": "hm", "content": "I look", "tool_calls": [CALL, {**CALL, "id": "call_b"}]}
    items = whole(message, "tool_calls")["output"]
    assert [item["type"] for item in items] == ["reasoning", "message", "function_call", "function_call"]
    assert [item["call_id"] for item in items[2:]] == ["call_a", "call_b"]


def test_the_calls_of_a_whole_answer_are_told_apart_whatever_numbers_they_have() -> None:
    items = whole({"tool_calls": [{**CALL, "index": 0}, {**CALL, "index": 0, "id": "call_b"}]}, "tool_calls")["output"]
    assert [item["call_id"] for item in items] == ["call_a", "call_b"]


@pytest.mark.parametrize("given", [None, "", "call_a"])
def test_calls_that_share_a_name_get_one_of_their_own(given: str | None) -> None:
    items = whole({"tool_calls": [CALL, {**CALL, "id": given}]}, "tool_calls")["output"]
    assert [item["call_id"] for item in items] == ["call_a", "call_chatcmpl-1_1"]


def test_arguments_that_are_not_text_are_written_as_json() -> None:
    call = {"id": "call_a", "function": {"name": "find", "arguments": {"id": 7}}}
    assert whole({"tool_calls": [call]}, "tool_calls")["output"][0]["arguments"] == '{"id":7}'


def test_who_asked_for_a_summary_gets_reasoning_as_one() -> None:
    (item,) = whole({"reasoning_content": "hm"}, reasoning={"effort": "low", "summary": "auto"})["output"]
    assert item == {
        "id": "rs_chatcmpl-1_0",
        "type": "reasoning",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": "hm"}],
    }


def test_an_answer_cut_off_in_its_thoughts_is_incomplete() -> None:
    response = whole({"content": "", "reasoning_content": "hm"}, "length")
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert [(item["type"], item["status"]) for item in response["output"]] == [("reasoning", "incomplete")]


def test_only_the_last_item_of_an_answer_that_was_cut_off_is_incomplete() -> None:
    items = whole({"content": "I look", "tool_calls": [CALL]}, "length")["output"]
    assert [item["status"] for item in items] == ["completed", "incomplete"]


def test_a_text_in_parts_is_one_text() -> None:
    response = whole({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})
    assert response["output"][0]["content"][0]["text"] == "ab"


def test_what_a_text_rests_on_is_cited_as_responses_do() -> None:
    cited = {"start_index": 0, "end_index": 5, "title": "a page", "url": "page"}
    annotations = [{"type": "url_citation", "url_citation": cited}, {"type": "url_citation", **cited}, "odd"]
    part = whole({"content": "hello", "annotations": annotations})["output"][0]["content"][0]
    assert part["annotations"] == [{"type": "url_citation", **cited}] * 2


def test_annotations_of_no_text_are_nobody_s() -> None:
    assert whole({"refusal": "no", "annotations": [{"type": "url_citation"}]})["output"][0]["content"] == [
        {"type": "refusal", "refusal": "no"}
    ]
    assert whole({"content": "", "annotations": [{"type": "url_citation"}]})["output"] == []


def test_log_probabilities_have_every_field_that_clients_expect() -> None:
    given = {
        "content": [{"token": "hé", "logprob": -0.1, "top_logprobs": [{"token": "a", "logprob": -1, "bytes": [97]}]}]
    }
    told = exchange(include=["message.output_text.logprobs"]).whole(completion({"content": "hé"}, logprobs=given))
    valid(told)
    assert told["output"][0]["content"][0]["logprobs"] == [
        {
            "token": "hé",
            "bytes": [104, 195, 169],
            "logprob": -0.1,
            "top_logprobs": [{"token": "a", "bytes": [97], "logprob": -1}],
        }
    ]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": None},
        {"tool_calls": ["odd", 7]},
        {"content": 7},
        {"reasoning": [{"type": "reasoning", "text": None}, {"text": True}, "odd"]},
    ],
)
def test_an_answer_that_says_nothing_has_no_items(message: dict[str, Any]) -> None:
    assert whole(message)["output"] == []


def test_no_field_of_an_answer_has_to_be_there() -> None:
    response = exchange().whole({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    valid(response)
    assert (response["model"], response["created_at"]) == ("auto", 0)
    assert response["id"].startswith("resp_")


def test_the_body_has_to_be_an_object() -> None:
    with pytest.raises(BadRequest) as refused:
        Responses().read(b"[]")
    assert refused.value.code == "invalid_type"


@pytest.mark.parametrize(
    "field",
    [
        '"metadata": DEEP',
        '"reasoning": {"summary": DEEP}',
        '"tools": [{"type": "custom", "name": "a", "format": DEEP}]',
    ],
)
@pytest.mark.parametrize("depth", range(246, 258))
def test_what_cannot_be_told_again_is_not_asked(field: str, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    raw = f'{{"model": "auto", "input": "hello", {field.replace("DEEP", deep)}}}'.encode()
    try:
        telling = Responses().read(raw).stream()
    except BadRequest as refused:
        assert "too deeply" in refused.message  # noqa: PT017  some are, some are not
    else:
        assert telling.end()


MESSAGES = st.dictionaries(
    st.sampled_from(["content", "refusal", "reasoning", "annotations", "tool_calls", "function_call"]), JSON
)
CHOICES = st.fixed_dictionaries({"message": MESSAGES}, optional={"finish_reason": JSON, "logprobs": JSON})


@given(CHOICES, JSON)
def test_whatever_chat_can_read_can_be_told(choice: Any, usage: Any) -> None:
    answer = {"choices": [choice], "usage": usage}
    try:
        chat.completion(orjson.dumps(answer))
    except Malformed:
        return
    assert orjson.loads(orjson.dumps(exchange().whole(answer)))["object"] == "response"


def test_an_error_has_openai_s_envelope() -> None:
    error = {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
    assert Responses().problem(400, error, "r-1") == {"error": error}


def test_a_response_can_be_written() -> None:
    assert orjson.dumps(whole({"content": "hi"}, tools=[{"type": "function", "name": "find"}]))
