"""However a stream is cut, its events come in Anthropic's order, and its blocks are those of the whole answer."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event  # noqa: TID253  how the official client reads
from anthropic.types import RawMessageStreamEvent  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from router.cache.replay import as_stream
from router.dialects.messages_answer import message
from router.dialects.messages_stream import MessageTelling
from router.sse import Splitter

Event = dict[str, Any]
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c-1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(arguments: Any = "", index: int | None = 0, **fields: Any) -> dict[str, Any]:
    """A piece of a call; `id` and `name` begin one."""
    name = fields.pop("name", None)
    counted = {} if index is None else {"index": index}
    return {**counted, **fields, "function": {"name": name, "arguments": arguments}}


def calls(*pieces: dict[str, Any]) -> dict[str, Any]:
    return chunk(tool_calls=[*pieces])


def read(raw: bytes) -> list[Event]:
    events = []
    for text, data in Splitter().feed(raw):
        assert data is not None
        said = orjson.loads(data)
        assert text == b"event: " + said["type"].encode() + b"\ndata: " + data + b"\n\n"
        events.append(said)
    return events


def told(*chunks: dict[str, Any], stops: Sequence[str] = (), thinks: bool = True) -> list[Event]:
    telling = MessageTelling(thinks=thinks, stops=stops)
    return read(b"".join([*(telling.chunk(each) for each in chunks), telling.end()]))


def together(events: Sequence[Event]) -> dict[str, Any]:
    """Put events together as the official client does, and check that they come in Anthropic's order."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    begun = ended = 0
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == begun == ended  # one at a time, and counted
            begun += 1
        elif event["type"] == "content_block_delta":
            assert event["index"] == begun - 1 == ended
        elif event["type"] == "content_block_stop":
            assert event["index"] == ended == begun - 1
            ended += 1
        checked = EVENT.validate_python(event, strict=True)
        snapshot = accumulate_event(event=checked, current_snapshot=snapshot, json_bufs=buffers)
    assert begun == ended
    assert [event["type"] for event in (events[0], *events[-2:])] == ["message_start", "message_delta", "message_stop"]
    told: dict[str, Any] = snapshot.to_dict()
    if told.get("stop_details") is None:
        told.pop("stop_details", None)  # the client's own, where nothing was said of it
    return told


def blocks(*chunks: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (block["name"], block["input"]) if block["type"] == "tool_use" else (block["type"], block[block["type"]])
        for block in together(told(*chunks, chunk("stop")))["content"]
    ]


# ------------------------------------------------------------------------------------------------------------ in words


def test_a_text_event_by_event() -> None:
    events = told(
        chunk(role="assistant", content=""),
        chunk(content="he"),
        chunk(content="llo"),
        chunk("stop"),
        {"id": "c-1", "choices": [], "usage": USAGE},
    )
    tokens = {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 5}
    assert events == [
        {
            "type": "message_start",
            "message": {
                "id": "c-1",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": dict.fromkeys(tokens, 0),
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "he"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "llo"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": tokens},
        {"type": "message_stop"},
    ]


def test_every_chunk_is_told_at_once() -> None:
    telling = MessageTelling(thinks=True, stops=())
    assert read(telling.chunk(chunk(role="assistant")))[0]["type"] == "message_start"
    assert [event["type"] for event in read(telling.chunk(chunk(reasoning="hm")))][-1] == "content_block_delta"
    assert [event["type"] for event in read(telling.chunk(chunk(content="he")))] == [
        *("content_block_stop", "content_block_start", "content_block_delta")
    ]
    begun = read(telling.chunk(calls(call("", id="a", name="find"))))
    assert [event["type"] for event in begun] == ["content_block_stop"]
    assert [event["type"] for event in read(telling.chunk(calls(call('{"i'))))] == [
        *("content_block_start", "content_block_delta")
    ]
    assert len(read(telling.chunk(calls(call('d":7}'))))) == 1


def test_several_calls_thinking_and_text() -> None:
    assert blocks(
        chunk(reasoning_content="h"),
        chunk(reasoning_content="m"),
        chunk(content="Let me look."),
        calls(call(id="a", name="find"), call(index=1, id="b", name="look")),
        calls(call('{"x":')),
        calls(call("1}")),
        calls(call('{"y":2}', index=1)),
    ) == [("thinking", "hm"), ("text", "Let me look."), ("find", {"x": 1}), ("look", {"y": 2})]


def test_calls_that_arrive_in_turns_are_told_one_after_the_other() -> None:
    assert blocks(
        calls(call('{"x"', id="a", name="find")),
        calls(call('{"y"', index=1, id="b", name="look")),
        calls(call(":{}", 0), call(":[", 1)),
        calls(call("2]}", 1)),
        calls(call("}", 0)),
        chunk(content="So."),
    ) == [("find", {"x": {}}), ("look", {"y": [2]}), ("text", "So.")]


def test_a_call_in_one_piece_without_an_index_and_another_one() -> None:
    assert blocks(
        calls(call('{"x":1}', None, id="a", name="find")),
        calls(call('{"y":2}', None, id="b", name="look")),
    ) == [("find", {"x": 1}), ("look", {"y": 2})]


def test_calls_that_nobody_counts_are_told_apart_by_what_begins_them() -> None:
    assert blocks(
        calls(call("", None, id="a", name="find")),
        calls(call("", None, id="b", name="look")),
        calls(call('{"y"', None)),
        calls(call(":2}", None)),
    ) == [("find", {}), ("look", {"y": 2})]
    assert blocks(calls(call('{"x":1}', None, name="find")), calls(call("{}", None, name="look"))) == [
        *(("find", {"x": 1}), ("look", {}))
    ]


def test_two_calls_in_one_chunk_without_an_index() -> None:
    assert blocks(calls(call("{}", None, id="a", name="find"), call("{}", None, id="b", name="look"))) == [
        ("find", {}),
        ("look", {}),
    ]


def test_two_calls_with_the_same_index() -> None:
    assert blocks(calls(call('{"x":1}', id="a", name="find")), calls(call("{}", id="b", name="find"))) == [
        ("find", {"x": 1}),
        ("find", {}),
    ]


def test_a_call_whose_id_changes_while_it_comes_is_one_call() -> None:
    assert blocks(calls(call('{"x"', id="a", name="find")), calls(call(":1}", id="b"))) == [("find", {"x": 1})]


def test_a_name_may_come_in_pieces_and_arguments_never() -> None:
    assert blocks(calls(call(None, id="a", name="loo")), calls(call(None, name="k"))) == [("look", {})]
    assert blocks(calls(call({"x": 1}, id="a", name="find"))) == [("find", {"x": 1})]


def test_a_call_in_the_words_from_before_there_were_tools() -> None:
    assert blocks(
        chunk(function_call={"name": "find", "arguments": ""}), chunk(function_call={"arguments": '{"x":1}'})
    ) == [("find", {"x": 1})]


def test_calls_without_ids_get_those_of_the_whole_answer() -> None:
    events = told(calls(call("{}", name="find")), calls(call("{}", index=1, name="find")), chunk("tool_calls"))
    ids = [event["content_block"]["id"] for event in events if event["type"] == "content_block_start"]
    assert ids == ["toolu_c-1_0", "toolu_c-1_1"]


def test_text_between_reasoning_is_told_where_it_stood() -> None:
    assert blocks(chunk(reasoning="a"), chunk(content="b"), chunk(reasoning="c"), chunk(content="d")) == [
        *(("thinking", "a"), ("text", "b"), ("thinking", "c"), ("text", "d"))
    ]


def test_reasoning_that_nobody_asked_for_is_not_told() -> None:
    events = told(chunk(reasoning_content="hm"), chunk(content="hi"), chunk("stop"), thinks=False)
    assert [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"] == ["text"]


def test_a_refusal_is_text_and_says_so_at_the_end() -> None:
    events = told(chunk(refusal="I can"), chunk(refusal="not."), chunk("stop"))
    assert together(events)["content"] == [{"type": "text", "text": "I cannot."}]
    assert events[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": None},
    }


def test_the_text_that_ended_it_is_told() -> None:
    last = chunk("stop")
    last["choices"][0]["stop_reason"] = "END"
    assert told(chunk(content="x"), last, stops=["END"])[-2]["delta"] == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
    }


def test_usage_comes_when_it_comes() -> None:
    early = told({**chunk(content="x"), "usage": USAGE}, chunk("stop"))
    assert early[0]["message"]["usage"] == early[-2]["usage"]
    assert told(chunk(content="x"), chunk("stop"))[-2]["usage"]["output_tokens"] == 0


def test_a_first_chunk_that_says_nothing_names_nobody() -> None:
    telling = MessageTelling(thinks=True, stops=())
    assert telling.chunk({"id": "", "model": "", "choices": [], "prompt_filter_results": []}) == b""
    assert read(telling.chunk(chunk(content="x")))[0]["message"]["id"] == "c-1"


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": [7]},
        {"id": "c-1", "choices": [{"index": 0}]},
        {"id": "c-1", "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"id": "c-1", "choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        chunk(content=None, tool_calls=None, refusal=None, reasoning=None),
        chunk(content=[{"type": "text", "text": ""}]),
        chunk(tool_calls=[7]),
        {"id": "c-1", "choices": [{"delta": "hi"}]},
        chunk(audio={"data": "x"}),
    ],
)
def test_a_chunk_with_nothing_in_it_says_nothing(odd: dict[str, Any]) -> None:
    assert blocks(odd, chunk(content="hi"), odd) == [("text", "hi")]


def test_nothing_at_all_is_a_message_with_nothing_in_it() -> None:
    assert [event["type"] for event in told()] == ["message_start", "message_delta", "message_stop"]


def test_what_is_kept_open_and_what_breaks_off() -> None:
    telling = MessageTelling(thinks=True, stops=())
    assert telling.comment() == b'event: ping\ndata: {"type":"ping"}\n\n'
    error = {"message": "it broke off", "type": "upstream_error", "param": None, "code": "stream_broken"}
    assert telling.broken(error) == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"it broke off",'
        b'"details":{"error_code":"stream_broken"}}}\n\n'
    )


# -------------------------------------------------------------------------------------------------- however it is cut


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3).map(lambda given: orjson.dumps(given).decode())
WORDS = st.text(max_size=12)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """A whole answer."""
    said: dict[str, Any] = {"role": "assistant", "content": draw(WORDS | st.none())}
    if draw(st.booleans()):
        said["reasoning_content"] = draw(WORDS)
    if draw(st.booleans()):
        said["refusal"] = draw(WORDS)
    arguments = draw(st.lists(ARGUMENTS, max_size=4))
    if arguments:
        said["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": f"f{n}", "arguments": each}}
            for n, each in enumerate(arguments)
        ]
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    choice = {"index": 0, "message": said, "finish_reason": finish}
    return {"id": "c-1", "model": "m", "choices": [choice], "usage": draw(st.sampled_from([None, USAGE]))}


def cut(draw: st.DrawFn, text: str | None) -> list[str]:
    at = sorted(draw(st.lists(st.integers(0, len(text or "")), max_size=4)))
    return [(text or "")[start:end] for start, end in zip([0, *at], [*at, None], strict=True)]


@st.composite
def streamed(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A whole answer, and the same as chunks: text cut anywhere, calls in any order or all at once."""
    whole = draw(answers())
    (choice,) = whole["choices"]
    said = choice["message"]
    chunks = [chunk(role="assistant", content=draw(st.sampled_from(["", None])))]
    for name in ("reasoning_content", "content", "refusal"):
        chunks += [chunk(**{name: piece}) for piece in cut(draw, said.get(name))]
    left = []
    for index, each in enumerate(said.get("tool_calls") or ()):
        first, *rest = cut(draw, each["function"]["arguments"])
        begun = {"index": index, **each, "function": {**each["function"], "arguments": first}}
        left.append([begun, *(call(piece, index) for piece in rest)])
    if draw(st.booleans()):  # each call's first piece comes before any other call's second
        chunks += [calls(pieces.pop(0)) for pieces in left]
        while left := [pieces for pieces in left if pieces]:
            chunks.append(calls(draw(st.sampled_from(left)).pop(0)))
    else:
        chunks += [calls(piece) for pieces in left for piece in pieces]
    chunks.append(chunk(choice["finish_reason"]))
    if whole["usage"]:
        chunks.append({"id": "c-1", "choices": [], "usage": whole["usage"]})
    return whole, chunks


@given(streamed(), st.booleans())
def test_a_stream_put_together_is_the_whole_answer(
    both: tuple[dict[str, Any], list[dict[str, Any]]],
    thinks: bool,  # noqa: FBT001  as hypothesis hands it
) -> None:
    whole, chunks = both
    assert together(told(*chunks, thinks=thinks)) == message(whole, thinks=thinks, stops=())


@given(answers())
def test_a_remembered_answer_is_streamed_as_it_is_told_whole(whole: dict[str, Any]) -> None:
    events = [data for _, data in Splitter().feed(as_stream(orjson.dumps(whole), usage=True))]
    chunks = [orjson.loads(data) for data in events if data and data != b"[DONE]"]
    assert together(told(*chunks)) == message(whole, thinks=True, stops=())
