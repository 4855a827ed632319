"""Chat completions, as far as routing reads them."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Choice, Chunks, Malformed, Usage, completion, parse, text_of
from router.errors import BadRequest

HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def refusal(raw: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        parse(raw)
    return refused.value


def test_the_body_stays_the_clients_own() -> None:
    body = HELLO | {"tomorrow": {"x": [1, 2.5, None]}, "user": "u-1"}

    assert parse(orjson.dumps(body)).body == body


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"", "invalid_json", None),
        (b"\xff", "invalid_json", None),
        (b"[]", "invalid_type", None),
        (b"null", "invalid_type", None),
        (b"{}", "missing_required_parameter", "model"),
        (b'{"model": 7, "messages": []}', "invalid_type", "model"),
        (b'{"model": "auto"}', "missing_required_parameter", "messages"),
        (b'{"model": "auto", "messages": []}', "empty_array", "messages"),
        (b'{"model": "auto", "messages": {}}', "invalid_type", "messages"),
        (b'{"model": "auto", "messages": ["hi"]}', "invalid_type", "messages[0]"),
        (b'{"model": "auto", "messages": [{"content": "hi"}]}', "invalid_type", "messages[0].role"),
        (b'{"model": "auto", "messages": [{"role": "user", "content": 7}]}', "invalid_type", "messages[0].content"),
        (b'{"model": "a", "messages": [{"role": "u", "content": [7]}]}', "invalid_type", "messages[0].content[0]"),
    ],
)
def test_a_wrong_body_is_told_what_is_wrong(raw: bytes, code: str, param: str | None) -> None:
    problem = refusal(raw)

    assert (problem.code, problem.param) == (code, param)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stream", "yes"),
        ("stream_options", []),
        ("temperature", "hot"),
        ("temperature", True),
        ("max_tokens", 1.5),
        ("max_completion_tokens", "9"),
        ("n", True),
        ("tools", {}),
        ("response_format", "json"),
        ("metadata", []),
    ],
)
def test_a_field_that_routing_reads_has_its_type(field: str, value: object) -> None:
    problem = refusal(orjson.dumps(HELLO | {field: value}))

    assert problem.param == field
    assert problem.message.startswith(f"Invalid type for '{field}': expected a")


def test_tools_are_objects() -> None:
    assert refusal(orjson.dumps(HELLO | {"tools": ["f"]})).param == "tools[0]"


@pytest.mark.parametrize("field", ["stream", "temperature", "max_tokens", "tools", "metadata", "response_format"])
def test_null_is_as_good_as_nothing(field: str) -> None:
    assert parse(orjson.dumps(HELLO | {field: None})).body[field] is None


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_parser(raw: bytes) -> None:
    with suppress(BadRequest):
        parse(raw)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
fields = st.sampled_from(["model", "messages", "stream", "stream_options", "tools", "max_tokens", "metadata", "n"])


@given(st.dictionaries(fields, json))
def test_no_json_crashes_the_parser(body: dict[str, Any]) -> None:
    with suppress(BadRequest):
        request = parse(orjson.dumps(HELLO | body))
        assert request.messages
        assert isinstance(request.stream, bool)


def test_the_cap_is_the_newer_field_or_the_older() -> None:
    assert parse(orjson.dumps(HELLO)).output_cap is None
    assert parse(orjson.dumps(HELLO | {"max_tokens": 5})).output_cap == 5
    assert parse(orjson.dumps(HELLO | {"max_tokens": 5, "max_completion_tokens": 9})).output_cap == 9


# ------------------------------------------------------------------------------------------------------- whole answers


def answer(*choices: dict[str, Any], **more: Any) -> bytes:
    return orjson.dumps({"id": "c", "model": "m", "choices": list(choices), **more})


def test_a_whole_answer_is_read() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    read = completion(answer({"message": {"content": "hi"}, "finish_reason": "stop"}, usage=usage))

    assert read.choices == (Choice("stop", "hi"),)
    assert read.usage == Usage(10, 5, 4, 3)
    assert read.model == "m"


def test_what_stands_for_text_and_is_none_is_none() -> None:
    assert text_of([{"text": "he"}, {"text": True}, {"text": None}, {}, 7, {"text": "llo"}]) == "hello"
    assert text_of({"text": "hello"}) == ""


@pytest.mark.parametrize("calls", [[None], "x", [1], {"a": 1}])
def test_calls_that_are_no_objects_are_none(calls: object) -> None:
    assert completion(answer({"message": {"content": "hi", "tool_calls": calls}})).choices[0].tool_calls == ()


def test_content_in_parts_and_old_function_calls_are_read() -> None:
    read = completion(
        answer(
            {"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "finish_reason": "stop"},
            {"message": {"content": None, "function_call": {"name": "f"}}, "finish_reason": "function_call"},
            {"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"},
        )
    )

    assert [choice.content for choice in read.choices] == ["ab", "", ""]
    assert read.choices[1].tool_calls == ({"name": "f"},)
    assert read.choices[2].refusal == "no"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"hi"',
        b"{}",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [1]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
    ],
)
def test_what_is_not_an_answer_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        completion(raw)


@pytest.mark.parametrize("usage", [[1], {}, {"prompt_tokens": "many"}, None])
def test_usage_that_says_nothing_is_unknown_and_no_fault(usage: object) -> None:
    read = completion(answer({"message": {"content": "x"}, "finish_reason": "stop"}, usage=usage))

    assert read.usage is None


# ------------------------------------------------------------------------------------------------------------- streams


def chunk(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def test_a_stream_is_put_together_again() -> None:
    chunks = Chunks()
    useful = [
        chunks.add(part)
        for part in (
            chunk(role="assistant", content=""),
            chunk(content="he"),
            chunk(content="llo"),
            chunk(finish="stop"),
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        )
    ]

    assert useful == [False, True, True, True, False]
    assert chunks.finished
    assert chunks.completion().choices == (Choice("stop", "hello"),)
    assert chunks.usage == Usage(3, 2)


def test_parallel_tool_calls_stay_apart() -> None:
    chunks = Chunks()
    for part in (
        chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        chunk(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": '{"y"'}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"x":1}'}}]),
        chunk(tool_calls=[{"index": 1, "function": {"arguments": ":2}"}}]),
        chunk(finish="tool_calls"),
    ):
        assert chunks.add(part)

    calls = chunks.completion().choices[0].tool_calls
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", '{"y":2}'),
    ]


def test_every_choice_needs_its_finish_reason() -> None:
    chunks = Chunks()
    finished = []
    for part in (chunk(0, content="a"), chunk(1, content="b"), chunk(1, finish="stop"), chunk(0, finish="stop")):
        chunks.add(part)
        finished.append(chunks.finished)

    assert finished == [False, False, False, True]
    assert [choice.content for choice in chunks.completion().choices] == ["a", "b"]


@pytest.mark.parametrize("delta", [{"reasoning_content": "hm"}, {"reasoning": "hm"}, {"refusal": "hm"}])
def test_thinking_and_refusing_are_useful(delta: dict[str, Any]) -> None:
    assert Chunks().add(chunk(**delta))


def test_a_first_chunk_without_names_leaves_them_to_the_next() -> None:
    chunks = Chunks()
    chunks.add({"id": "", "model": "", "choices": [], "prompt_filter_results": []})
    chunks.add({**chunk(content="hi"), "id": "x", "model": "small"})
    answer = chunks.completion()
    assert (answer.id, answer.model) == ("x", "small")


def test_a_custom_tool_s_input_is_put_together() -> None:
    chunks = Chunks()
    chunks.add(
        chunk(tool_calls=[{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}])
    )
    chunks.add(chunk(tool_calls=[{"index": 0, "custom": {"input": " 1"}}]))
    (call,) = chunks.completion().choices[0].tool_calls
    assert call == {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}


def test_old_function_calls_are_useful() -> None:
    chunks = Chunks()

    assert chunks.add(chunk(function_call={"name": "f", "arguments": "{}"}))
    assert chunks.completion().choices[0].tool_calls[0]["function"]["name"] == "f"


@pytest.mark.parametrize(("sent", "kept"), [({"message": "x"}, {"message": "x"}), ("boom", {"message": "boom"})])
def test_an_error_in_the_middle_is_kept(sent: object, kept: dict[str, str]) -> None:
    chunks = Chunks()

    assert not chunks.add({"error": sent})
    assert chunks.error == kept


@pytest.mark.parametrize("part", [{"choices": [7]}, {"choices": 7}, {"choices": [{"delta": {"tool_calls": [1]}}]}])
def test_what_is_not_a_chunk_is_malformed(part: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Chunks().add(part)
