"""What is read of a request for embeddings, and what counts as an answer to one."""

import base64
import struct
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Usage
from router.embeddings import MOST, EmbeddingRequest, NoEmbeddings, Vectors, parse, shape, vectors
from router.errors import BadRequest

EVERYTHING = {"model": "e", "input": "hi", "encoding_format": "base64", "dimensions": 8, "user": "u", "new": [1]}


def read(**body: Any) -> EmbeddingRequest:
    return parse(orjson.dumps({"model": "e", **body}))


def refused(raw: bytes) -> tuple[str | None, str | None, str]:
    with pytest.raises(BadRequest) as caught:
        parse(raw)
    return caught.value.param, caught.value.code, caught.value.message


# ---------------------------------------------------------------------------------------------------------- the request


@pytest.mark.parametrize(
    ("given", "texts", "lengths"),
    [
        ("hi", ("hi",), ()),
        (["hi", "you"], ("hi", "you"), ()),
        ([1, 2, 3], (), (3,)),
        ([[1, 2, 3], [4]], (), (3, 1)),
        (["x"] * MOST, ("x",) * MOST, ()),
        ([7] * 5000, (), (5000,)),
    ],
)
def test_an_input_is_one_text_or_several_or_their_tokens(
    given: object, texts: tuple[str, ...], lengths: tuple[int, ...]
) -> None:
    request = read(input=given)
    assert (request.texts, request.lengths, request.count) == (texts, lengths, len(texts) + len(lengths))


def test_everything_is_kept_and_most_of_it_is_nobody_s_business() -> None:
    request = parse(orjson.dumps(EVERYTHING))
    assert (request.body, request.model) == (EVERYTHING, "e")


def test_null_is_as_good_as_nothing() -> None:
    assert read(input="hi", encoding_format=None, dimensions=None, user=None).count == 1


def test_tokens_are_counted_where_they_are_known_and_estimated_where_they_are_not() -> None:
    assert (read(input=[[1, 2], [3]]).tokens(), read(input=["äöü!" * 10, "x" * 10]).tokens()) == (3, 20)


def test_metadata_is_read_where_it_is_an_object() -> None:
    assert (read(input="a", metadata={"a": "b"}).metadata, read(input="a", metadata=3).metadata) == ({"a": "b"}, {})


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "input", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": "hi", "model": None}, "model", "missing_required_parameter"),
        ({"input": "hi", "model": 3}, "model", "invalid_type"),
        ({"input": ""}, "input", "empty_string"),
        ({"input": []}, "input", "empty_array"),
        ({"input": ["a", ""]}, "input[1]", "empty_string"),
        ({"input": [[1], []]}, "input[1]", "empty_array"),
        ({"input": 3}, "input", "invalid_type"),
        ({"input": {"text": "a"}}, "input", "invalid_type"),
        ({"input": True}, "input", "invalid_type"),
        ({"input": [None]}, "input[0]", "invalid_type"),
        ({"input": [True]}, "input[0]", "invalid_type"),
        ({"input": [1.5]}, "input[0]", "invalid_type"),
        ({"input": ["a", 3]}, "input[1]", "invalid_type"),
        ({"input": [3, "a"]}, "input[1]", "invalid_type"),
        ({"input": [[1], "a"]}, "input[1]", "invalid_type"),
        ({"input": [[1], [2, "a"]]}, "input[1][1]", "invalid_type"),
        ({"input": [[1], [[2]]]}, "input[1][0]", "invalid_type"),
        ({"input": ["x"] * (MOST + 1)}, "input", "array_above_max_length"),
        ({"input": [[1]] * (MOST + 1)}, "input", "array_above_max_length"),
        ({"input": "hi", "encoding_format": "hex"}, "encoding_format", "invalid_value"),
        ({"input": "hi", "encoding_format": ["float"]}, "encoding_format", "invalid_value"),
        ({"input": "hi", "dimensions": "8"}, "dimensions", "invalid_type"),
        ({"input": "hi", "dimensions": True}, "dimensions", "invalid_type"),
        ({"input": "hi", "dimensions": 0}, "dimensions", "integer_below_min_value"),
        ({"input": "hi", "user": 3}, "user", "invalid_type"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_its_place(body: dict[str, Any], param: str, code: str) -> None:
    assert refused(orjson.dumps({"model": "e", **body}))[:2] == (param, code)


def test_the_sentences_say_what_is_wrong() -> None:
    assert refused(orjson.dumps({"model": "e", "input": ["a", 3]}))[2] == (
        "Invalid type for 'input[1]': expected the same as the entries before it, but got an integer instead."
    )
    assert refused(orjson.dumps({"model": "e", "input": ["a"] * 3000}))[2] == (
        "Invalid 'input': array too long. Expected at most 2048 texts, but got 3000: send several."
    )


@pytest.mark.parametrize(("raw", "code"), [(b"{", "invalid_json"), (b"[]", "invalid_type"), (b"", "invalid_json")])
def test_a_body_that_is_no_object_is_refused(raw: bytes, code: str) -> None:
    assert refused(raw)[:2] == (None, code)


# ------------------------------------------------------------------------------------------------------ what is sent on


class To:
    """A deployment."""

    model = "bge-m3"

    def __init__(self, *drop: str) -> None:
        self.drop = frozenset(drop)


def test_a_deployment_gets_the_client_s_own_with_its_own_model() -> None:
    body, dropped = shape(parse(orjson.dumps(EVERYTHING)), to=To(), params={"temperature": 0.2})
    assert (orjson.loads(body), dropped) == ({**EVERYTHING, "model": "bge-m3"}, ())


def test_what_a_deployment_refuses_is_left_out_and_named() -> None:
    body, dropped = shape(parse(orjson.dumps(EVERYTHING)), to=To("user", "seed"), params={})
    assert ("user" in orjson.loads(body), dropped) == (False, ("user",))


@pytest.mark.parametrize(("asked", "sent"), [({}, 256), ({"dimensions": 8}, 8), ({"dimensions": None}, 256)])
def test_a_tier_says_how_long_vectors_are_where_the_client_does_not(asked: dict[str, Any], sent: int) -> None:
    body, _ = shape(read(input="a", **asked), to=To(), params={"dimensions": 256, "reasoning_effort": "low"})
    assert orjson.loads(body) == {"model": "bge-m3", "input": "a", "dimensions": sent}


def test_what_is_nested_too_deeply_to_be_written_is_refused() -> None:
    request = parse(b'{"model": "e", "input": "a", "deep": ' + b"[" * 500 + b"]" * 500 + b"}")
    with pytest.raises(BadRequest, match="too deeply"):
        shape(request, to=To(), params={})


# ----------------------------------------------------------------------------------------------------------- the answer


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def answer(*embeddings: object, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(embeddings)]
    return orjson.dumps({"object": "list", "data": data, "model": "m", **more})


@pytest.mark.parametrize("one", [[0.5, -1, 2], packed(0.5, -1, 2)])
def test_an_answer_is_numbers_or_their_bytes(one: object) -> None:
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    assert vectors(answer(one, one, usage=usage), 2) == Vectors(Usage(7, 0), 3)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "7"}, {"prompt_tokens": True}, 7, {"total_tokens": 3}],
)
def test_a_usage_that_is_not_told_is_unknown_and_not_zero(usage: object) -> None:
    assert vectors(answer([1.0], usage=usage), 1).usage is None


@pytest.mark.parametrize("places", [(1, 0), (None, None)])
def test_places_may_come_in_any_order_or_not_at_all(places: tuple[int | None, ...]) -> None:
    data = [{"index": place, "embedding": [0.1]} for place in places]
    assert vectors(orjson.dumps({"data": data}), 2).size == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": []}',
        b'{"data": [null]}',
        b'{"data": [[0.1]]}',
        b'{"data": [{}]}',
        b'{"error": {"message": "no"}}',
        answer([0.1], [0.2]),
        answer([]),
        answer(""),
        answer(None),
        answer(3),
        answer(["0.1"]),
        answer([None]),
        answer([[0.1]]),
        answer({"0": 0.1}),
        answer("not base64!"),
        answer("äöü="),
        answer("AAA="),
        answer(packed(1.0)[:-2]),
        orjson.dumps({"data": [{"index": 1, "embedding": [0.1]}]}),
        orjson.dumps({"data": [{"index": [], "embedding": [0.1]}]}),
        orjson.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}),
    ],
)
def test_an_answer_that_is_no_list_of_one_embedding_is_none(raw: bytes) -> None:
    with pytest.raises(NoEmbeddings):
        vectors(raw, 1)


@pytest.mark.parametrize(
    "raw",
    [
        answer([0.1, 0.2], [0.1]),
        answer([0.1]),
        answer([0.1], [0.1], [0.1]),
        orjson.dumps({"data": [{"index": 0, "embedding": [0.1]}, {"index": 0, "embedding": [0.1]}]}),
    ],
)
def test_two_texts_have_two_embeddings_of_one_length(raw: bytes) -> None:
    with pytest.raises(NoEmbeddings):
        vectors(raw, 2)


# ------------------------------------------------------------------------------------------------------------ strangers

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "index", "embedding"]), inner),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries({}, optional={"index": JSON, "embedding": JSON | st.lists(st.floats(-9, 9)), "a": JSON})


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("model", *EVERYTHING, "metadata"), JSON)))
def test_whatever_a_client_sends_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        request = parse(orjson.dumps(body))
    except BadRequest:
        return
    assert request.count >= 1
    assert request.tokens() >= 0
    assert shape(request, to=To(), params={})[0]


@given(st.fixed_dictionaries({}, optional={"data": JSON | st.lists(ENTRY), "usage": JSON}) | JSON, st.integers(1, 3))
def test_whatever_an_upstream_sends_is_embeddings_or_none(body: object, count: int) -> None:
    try:
        said = vectors(orjson.dumps(body), count)
    except NoEmbeddings:
        return
    assert said.size > 0


@given(st.binary(max_size=40), st.sampled_from([b"%b", b'{"data": [%b]}', b'{"data": [{"embedding": %b}]}']))
def test_bytes_that_are_no_answer_are_none(junk: bytes, around: bytes) -> None:
    with suppress(NoEmbeddings):
        vectors(around % junk, 1)
