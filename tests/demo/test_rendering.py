"""The same answer, whole and streamed, down to its bytes."""

from typing import Any

import orjson
import pytest

from router.demo.answers import Answer
from router.demo.rendering import FINGERPRINT, count_tokens, render
from router.demo.vectors import embedded
from router.demo.wire import Received


def asked(**body: Any) -> Received:
    data = {"model": "small", "messages": [{"role": "user", "content": "12345678"}], **body}
    return Received("POST", "/v1/chat/completions", {}, orjson.dumps(data))


def whole(answer: Answer, **body: Any) -> dict[str, Any]:
    (piece,) = render(answer, asked(**body), 1).pieces
    data: dict[str, Any] = orjson.loads(piece)
    return data


def events(answer: Answer, **body: Any) -> list[Any]:
    rendered = render(answer, asked(stream=True, **body), 1)
    lines = b"".join(rendered.pieces).split(b"\n\n")
    assert rendered.streamed
    assert lines.pop() == b""
    return [orjson.loads(line[6:]) if line != b"data: [DONE]" else "[DONE]" for line in lines]


def said(chunks: list[Any]) -> str:
    choices = [chunk["choices"][0] for chunk in chunks if chunk != "[DONE]" and chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def test_a_whole_completion_says_that_it_is_a_fake_and_counts_its_tokens() -> None:
    data = whole(Answer(text="hello"))
    assert (data["id"], data["object"], data["model"]) == ("chatcmpl-fake-1", "chat.completion", "small")
    assert data["system_fingerprint"] == FINGERPRINT == "fp_fake"
    assert data["choices"][0]["message"]["content"] == "hello"
    assert data["choices"][0]["finish_reason"] == "stop"
    assert data["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}


def test_a_streamed_answer_has_role_words_finish_and_done() -> None:
    chunks = events(Answer(text="all is  well\n"))
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks[1:-1]] == [
        "all",
        " is",
        "  well",
        "\n",
        None,
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1] == "[DONE]"
    assert not any("usage" in chunk for chunk in chunks[:-1])


def test_a_request_for_embeddings_gets_those_of_its_texts_whatever_the_answer_says() -> None:
    body = {"model": "e", "input": ["hello you", "12345678"], "dimensions": 3}
    (piece,) = render(Answer(text="hello"), Received("POST", "/v1/embeddings", {}, orjson.dumps(body)), 1).pieces
    said = orjson.loads(piece)
    assert [entry["embedding"] for entry in said["data"]] == [
        embedded(text, body) for text in ("hello you", "12345678")
    ]
    assert (said["object"], said["model"], said["system_fingerprint"]) == ("list", "e", FINGERPRINT)
    assert said["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    quiet = Answer(text="x", usage=None, model="m", extra={"a": 1})
    (piece,) = render(quiet, Received("POST", "/v1/embeddings", {}, orjson.dumps(body)), 1).pieces
    said = orjson.loads(piece)
    assert ("usage" in said, said["model"], said["a"]) == (False, "m", 1)


def test_usage_comes_last_and_only_when_asked_for() -> None:
    *chunks, usage, done = events(Answer(text="hello"), stream_options={"include_usage": True})
    assert done == "[DONE]"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 2)
    assert all(chunk["usage"] is None for chunk in chunks)


def test_an_upstream_may_keep_its_usage_to_itself_or_lie_about_it() -> None:
    assert "usage" not in whole(Answer(text="hello", usage=None))
    assert whole(Answer(text="hello", usage={"prompt_tokens": 7}))["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    *_, last, _done = events(Answer(text="hello", usage=None), stream_options={"include_usage": True})
    assert last["choices"][0]["finish_reason"] == "stop"


def test_given_deltas_are_sent_as_given_and_joined_for_who_does_not_stream() -> None:
    answer = Answer(
        stream=[
            "he",
            {"content": "llo"},
            {"reasoning_content": "hm"},
            {"event": {"error": {}}},
            {"raw": "data: {}\n\n"},
        ],
        finish=None,
        done=False,
        role=False,
    )
    first, second, third, *last = events(answer)
    assert said([first, second, third]) == "hello"
    assert third["choices"][0]["delta"] == {"reasoning_content": "hm"}
    assert last == [{"error": {}}, {}]
    assert whole(answer)["choices"][0]["message"]["content"] == "hello"
    assert whole(answer)["choices"][0]["finish_reason"] is None


def test_tool_calls_are_written_short_and_sent_in_full() -> None:
    answer = Answer(tool_calls=[{"name": "find", "arguments": {"id": 7}}])
    choice = whole(answer)["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]) == ("function", {"name": "find", "arguments": '{"id":7}'})
    deltas = [chunk["choices"][0]["delta"] for chunk in events(answer)[1:-2]]
    calls = [delta["tool_calls"][0] for delta in deltas]
    assert calls[0]["id"] == "call_fake_0"
    assert "".join(each["function"]["arguments"] for each in calls) == '{"id":7}'


def test_tool_calls_in_openai_s_own_shape_stay_as_they_are() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "find", "arguments": "{"}}
    assert whole(Answer(tool_calls=[call]))["choices"][0]["message"]["tool_calls"] == [call]


def test_a_refusal_is_no_content() -> None:
    message = whole(Answer(refusal="I cannot"))["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I cannot")
    deltas = [chunk["choices"][0]["delta"] for chunk in events(Answer(refusal="I cannot"))[:-1]]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == "I cannot"


def test_a_client_that_wants_two_choices_gets_two() -> None:
    assert [choice["index"] for choice in whole(Answer(text="hi"), n=2)["choices"]] == [0, 1]
    chunks = events(Answer(text="hi"), n=2)
    assert [chunk["choices"][0]["index"] for chunk in chunks[:-1]] == [0, 1, 0, 1, 0, 1]


def test_explicit_choices_and_extra_fields_go_out_as_they_are() -> None:
    assert whole(Answer(choices=[]))["choices"] == []
    data = whole(Answer(text="hi", extra={"service_tier": "flex"}, model="small-v3", id="one"))
    assert (data["service_tier"], data["model"], data["id"]) == ("flex", "small-v3", "one")
    assert events(Answer(text="hi", extra={"x": 1}))[0]["x"] == 1
    said_elsewhere = [{"index": 0, "message": {"content": [{"type": "text", "text": "12345678"}]}}]
    assert whole(Answer(choices=said_elsewhere))["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize(
    ("answer", "status", "kind", "body"),
    [
        (Answer(raw="<html>", headers={"content-type": "text/html"}), 200, "text/html", b"<html>"),
        (Answer(raw=b"{oops"), 200, "application/json", b"{oops"),
        (Answer(json={"any": "thing"}, status=201), 201, "application/json", b'{"any":"thing"}'),
        (Answer(status=503), 503, None, b""),
    ],
)
def test_anything_that_is_no_completion_goes_out_as_it_is(
    answer: Answer, status: int, kind: str | None, body: bytes
) -> None:
    rendered = render(answer, asked(stream=True), 1)
    assert (rendered.status, rendered.headers.get("content-type"), rendered.pieces) == (status, kind, (body,))
    assert not rendered.streamed


def test_an_error_is_openai_s_envelope() -> None:
    rendered = render(Answer(error={"message": "slow down", "code": "rate_limit_exceeded"}, status=429), asked(), 1)
    error = orjson.loads(rendered.pieces[0])["error"]
    assert (rendered.status, error["message"], error["code"]) == (429, "slow down", "rate_limit_exceeded")
    assert set(error) == {"message", "type", "param", "code"}
    assert render(Answer(error="no"), asked(), 1).status == 500


def test_a_body_is_cut_into_pieces_at_any_bytes() -> None:
    assert render(Answer(raw="abcdef", split_at=[4, 1, 99]), asked(), 1).pieces == (b"a", b"bcd", b"ef")
    pieces = render(Answer(text="hi", split_at=[3, 10]), asked(stream=True), 1).pieces
    assert [len(piece) for piece in pieces[:2]] == [3, 7]
    assert b"".join(pieces) == b"".join(render(Answer(text="hi"), asked(stream=True), 1).pieces)


def test_a_token_is_about_four_characters() -> None:
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
