"""A stream of a chat completion, told as a response's events, and always the response that a whole answer is."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Chunks, Malformed
from router.sse import COMMENT
from tests.dialects.responding import JSON, USAGE, chunk, completion, events, exchange, final, streamed, whole

FIRST = {"id": "call_a", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}
SECOND = {"id": "call_b", "type": "function", "function": {"name": "find", "arguments": '{"id": 8}'}}
RAW = {"id": "call_c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}


def types(told: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in told]


def call(index: int | None, **fields: Any) -> dict[str, Any]:
    return {"tool_calls": [fields if index is None else {"index": index, **fields}]}


def arguments(text: str) -> dict[str, Any]:
    return {"function": {"arguments": text}}


# ---------------------------------------------------------------------------------------------------- what is told when


def test_a_text_is_told_from_its_first_word_to_the_whole_response() -> None:
    told = streamed(
        [chunk({"role": "assistant", "content": ""}), chunk({"content": "he"}), chunk({"content": "y"}, "stop")]
    )
    assert types(told) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert told[0]["response"]["status"] == "in_progress"
    assert [event["delta"] for event in told[4:6]] == ["he", "y"]
    assert told[6]["text"] == "hey"
    assert final(told) == whole({"content": "hey"})


def test_the_first_events_come_with_the_first_chunk() -> None:
    telling = exchange(stream=True).stream()
    assert types(events(telling.chunk(chunk({"role": "assistant"})))) == ["created", "in_progress"]


def test_a_chunk_without_a_choice_and_a_name_is_waited_out() -> None:
    telling = exchange(stream=True).stream()
    assert telling.chunk({"id": "", "model": "", "choices": [], "prompt_filter_results": []}) == b""
    assert events(telling.chunk(chunk({"content": "hi"})))[0]["response"]["id"] == "chatcmpl-1"


def test_reasoning_is_complete_before_the_message_begins() -> None:
    told = streamed([chunk({"reasoning_content": "hm"}), chunk({"content": "yes"}), chunk({}, "stop")])
    assert types(told)[2:9] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
    ]
    assert final(told)["output"][0]["content"] == [{"type": "reasoning_text", "text": "hm"}]


def test_reasoning_is_told_as_a_summary_to_who_asked_for_one() -> None:
    told = streamed([chunk({"reasoning": "hm"}), chunk({"content": "yes"}, "stop")], reasoning={"summary": "auto"})
    assert types(told)[3:7] == [
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ]
    assert final(told)["output"][0]["summary"] == [{"type": "summary_text", "text": "hm"}]


def test_a_refusal_is_told_as_one() -> None:
    told = streamed([chunk({"refusal": "I "}), chunk({"refusal": "cannot"}), chunk({}, "stop")])
    assert types(told)[3:8] == [
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    assert final(told) == whole({"refusal": "I cannot"})


def test_calls_that_grow_at_once_are_complete_at_the_end() -> None:
    told = streamed(
        [
            chunk(call(0, id="call_a", type="function", function={"name": "find", "arguments": ""})),
            chunk(call(0, **arguments('{"id"'))),
            chunk(call(1, id="call_b", type="function", function={"name": "find", "arguments": '{"id": 8}'})),
            chunk(call(0, **arguments(": 7}"))),
            chunk({}, "tool_calls"),
        ]
    )
    assert types(told)[2:] == [
        "output_item.added",
        "function_call_arguments.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [event["output_index"] for event in told[2:7]] == [0, 0, 1, 1, 0]
    assert final(told) == whole({"tool_calls": [FIRST, SECOND]}, "tool_calls")


def test_a_custom_tool_s_input_is_told_as_text() -> None:
    told = streamed(
        [
            chunk(call(0, id="call_c", type="custom", custom={"name": "sql", "input": "SELECT"})),
            chunk(call(0, custom={"input": " 1"})),
            chunk({}, "tool_calls"),
        ]
    )
    assert types(told)[3:6] == [
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
    ]
    assert final(told) == whole({"tool_calls": [RAW]}, "tool_calls")


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_what_is_cut_off_is_incomplete(finish: str, reason: str) -> None:
    told = streamed([chunk({"content": "he"}), chunk({}, finish)])
    assert told[-1]["type"] == "response.incomplete"
    assert final(told)["incomplete_details"] == {"reason": reason}
    assert final(told)["output"][0]["status"] == "incomplete"
    assert final(told) == whole({"content": "he"}, finish)


def test_a_break_is_a_failed_response_and_an_error() -> None:
    telling = exchange(stream=True).stream()
    error = {"message": "the answer broke off", "type": "upstream_error", "param": None, "code": "stream_broken"}
    told = events(telling.chunk(chunk({"content": "he"})) + telling.broken(error))
    failed, last = told[-2:]
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "the answer broke off"}
    assert failed["response"]["output"][0]["content"][0]["text"] == "he"
    assert failed["response"]["output"][0]["status"] == "incomplete"
    assert last == {
        "type": "error",
        "sequence_number": 6,
        "code": "stream_broken",
        "param": None,
        "message": error["message"],
        "error": error,
    }


def test_a_break_before_the_first_chunk_is_a_response_all_the_same() -> None:
    told = events(exchange(stream=True).stream().broken({"message": "late", "code": "rate_limit_exceeded"}))
    assert types(told) == ["created", "in_progress", "failed", "error"]
    assert told[2]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "late"}


def test_an_end_without_anything_is_an_empty_response() -> None:
    told = events(exchange(stream=True).stream().end())
    assert types(told) == ["created", "in_progress", "completed"]
    assert final(told)["output"] == []


def test_a_comment_keeps_the_connection_open() -> None:
    assert exchange(stream=True).stream().comment() == COMMENT


def test_usage_and_what_the_service_was_are_in_the_last_event() -> None:
    told = streamed([chunk({"content": "hi"}, "stop"), chunk({}, service_tier="flex")])
    assert final(told)["service_tier"] == "flex"
    assert final(told)["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 7,
    }


# ---------------------------------------------------------------------------------------- what upstreams leave out


def test_what_another_choice_says_is_not_part_of_it() -> None:
    other = {"id": "x", "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}]}
    assert final(streamed([chunk({"content": "yes"}), other, chunk({}, "stop")])) == whole({"content": "yes"})


def test_calls_without_numbers_are_told_apart_by_their_ids() -> None:
    told = streamed([chunk(call(None, **FIRST)), chunk(call(None, **SECOND)), chunk({}, "tool_calls")])
    assert final(told) == whole({"tool_calls": [FIRST, SECOND]}, "tool_calls")


def test_calls_that_all_have_one_number_are_told_apart_by_their_ids() -> None:
    told = streamed([chunk(call(0, **FIRST)), chunk(call(0, **SECOND)), chunk({}, "tool_calls")])
    assert final(told) == whole({"tool_calls": [FIRST, SECOND]}, "tool_calls")


def test_an_id_that_changes_from_piece_to_piece_is_one_call_s_first() -> None:
    told = streamed(
        [
            chunk(call(0, id="call_a", function={"name": "find", "arguments": '{"id": '})),
            chunk(call(0, id="call_z", function={"arguments": "7}"})),
            chunk({}, "tool_calls"),
        ]
    )
    assert final(told) == whole({"tool_calls": [FIRST]}, "tool_calls")


def test_the_call_of_old_is_a_call_with_an_id_of_ours() -> None:
    told = streamed(
        [
            chunk({"function_call": {"name": "find", "arguments": "{"}}),
            chunk({"function_call": {"arguments": "}"}}, "stop"),
        ]
    )
    (item,) = final(told)["output"]
    assert (item["name"], item["arguments"], item["call_id"]) == ("find", "{}", "call_chatcmpl-1_0")


def test_a_call_without_arguments_is_told_when_something_else_begins() -> None:
    told = streamed([chunk(call(0, id="call_a", function={"name": "now"})), chunk({"content": "done"}, "stop")])
    assert [item["type"] for item in final(told)["output"]] == ["function_call", "message"]


def test_who_goes_on_after_a_call_begins_another_message() -> None:
    told = streamed(
        [chunk({"content": "a"}), chunk(call(0, **FIRST)), chunk({"content": "b"}), chunk({}, "tool_calls")]
    )
    assert [item["type"] for item in final(told)["output"]] == ["message", "function_call", "message"]


# ------------------------------------------------------------------------------------------------ however it is cut


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.text("abc_", min_size=1, max_size=6)
FINISHES = st.sampled_from(["stop", "length", "content_filter", "tool_calls"])


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """A text in pieces, some of them empty."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def a_call(draw: st.DrawFn, number: int) -> dict[str, Any]:
    tool, field = draw(st.sampled_from([("function", "arguments"), ("custom", "input")]))
    return {"id": f"call_{number}", "type": tool, tool: {"name": draw(NAMES), field: draw(TEXTS)}}


@st.composite
def answers(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A message, and the deltas that it may come in: calls one after the other or all at once."""
    message: dict[str, Any] = {"content": None}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for field in draw(st.sets(st.sampled_from(["reasoning_content", "content", "refusal"]), max_size=3)):
        message[field] = draw(TEXTS)
    for field in ("reasoning_content", "content", "refusal"):
        if message.get(field):
            deltas += [{field: piece} for piece in draw(cut(message[field]))]
    calls = [draw(a_call(number)) for number in range(draw(st.integers(0, 3)))]
    if calls:
        message["tool_calls"] = calls
        grown = [draw(pieces(index, call)) for index, call in enumerate(calls)]
        heads, rest = [one[0] for one in grown], [one[1:] for one in grown]
        if draw(st.booleans()):
            deltas += [delta for one in grown for delta in one]
        else:
            deltas += [*heads, *draw(st.permutations([part for one in rest for part in one[:1]]))]
            deltas += [part for one in rest for part in one[1:]]
    return message, deltas


@st.composite
def pieces(draw: st.DrawFn, index: int, call: dict[str, Any]) -> list[dict[str, Any]]:
    tool = call["type"]
    field = "arguments" if tool == "function" else "input"
    first, *more = draw(cut(call[tool][field]))
    head = {**call, "index": index, tool: {"name": call[tool]["name"], field: first}}
    return [{"tool_calls": [head]}, *({"tool_calls": [{"index": index, tool: {field: each}}]} for each in more)]


@given(answers(), FINISHES, st.sampled_from([None, "auto"]))
def test_a_stream_ends_in_the_response_that_a_whole_answer_is(
    answer: tuple[dict[str, Any], list[dict[str, Any]]], finish: str, summary: str | None
) -> None:
    message, deltas = answer
    fields = {"reasoning": {"summary": summary}}
    told = streamed([*map(chunk, deltas), chunk({}, finish)], **fields)
    expected = whole(message, finish, **fields)
    assert by_call(final(told)) == by_call(expected)
    assert put_together(told) == final(told)["output"]


def by_call(response: dict[str, Any]) -> dict[str, Any]:
    """A response without its items' numbers: calls that grow at once are numbered in the order they are begun."""
    unnumbered = [{**item, "id": item["id"].rpartition("_")[0], "status": ""} for item in response["output"]]
    return {**response, "output": sorted(unnumbered, key=lambda item: (item["type"].endswith("call"), str(item)))}


def put_together(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output as a client has it that reads what is added, every delta, and what is done."""
    items: dict[int, dict[str, Any]] = {}
    grown: dict[tuple[Any, ...], str] = {}
    for event in told:
        kind = event["type"].removeprefix("response.")
        place = (event.get("output_index"), event.get("content_index", event.get("summary_index")))
        if kind == "output_item.added":
            assert place[0] == len(items)
            items[len(items)] = event["item"]
        elif kind.endswith(".delta"):
            grown[kind.split(".")[0], *place] = grown.get((kind.split(".")[0], *place), "") + event["delta"]
        elif kind in {"output_text.done", "refusal.done", "reasoning_text.done", "reasoning_summary_text.done"}:
            assert grown[kind.split(".")[0], *place] == event.get("text", event.get("refusal"))
        elif kind in {"function_call_arguments.done", "custom_tool_call_input.done"}:
            assert grown.get((kind.split(".")[0], *place), "") == event.get("arguments", event.get("input"))
        elif kind == "output_item.done":
            assert items[event["output_index"]]["id"] == event["item"]["id"]
            items[event["output_index"]] = event["item"]
    return list(items.values())


TOKENS = st.lists(st.tuples(TEXTS, st.integers(0, 2)), min_size=1, max_size=6)


@given(TOKENS)
def test_every_token_s_log_probability_arrives_whichever_chunk_has_its_text(tokens: list[tuple[str, int]]) -> None:
    """A character of several tokens comes with the last of them; the others come without any text."""
    chunks, listed = [chunk({"role": "assistant", "content": ""}, logprobs={"content": []})], []
    for text, before in tokens:
        for number in range(before + 1):
            logprob = {"token": "" if number < before else text, "logprob": -0.5, "bytes": None, "top_logprobs": []}
            listed.append(logprob)
            chunks.append(chunk({"content": logprob["token"]}, logprobs={"content": [logprob]}))
    answer = completion({"content": "".join(text for text, _ in tokens)}, logprobs={"content": listed})
    fields = {"include": ["message.output_text.logprobs"]}
    assert final(streamed([*chunks, chunk({}, "stop")], **fields)) == exchange(**fields).whole(answer)


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "id", "created", "model", "service_tier"]), JSON)))
def test_whatever_chat_can_read_can_be_told(chunks: list[dict[str, Any]]) -> None:
    reader, telling, told = Chunks(), exchange(stream=True).stream(), b""
    for each in chunks:
        try:
            reader.add(orjson.loads(orjson.dumps(each)))
        except Malformed:
            break
        told += telling.chunk(each)
    assert events(told + telling.end(), sane=False)[-1]["response"]["object"] == "response"


def test_usage_that_nobody_told_is_not_made_up() -> None:
    telling = exchange(stream=True).stream()
    told = events(telling.chunk(chunk({"content": "hi"}, "stop", usage=None)) + telling.end())
    assert USAGE["prompt_tokens"] == 3
    assert "usage" not in final(told)
