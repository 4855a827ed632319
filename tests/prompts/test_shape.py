"""The body that is sent: what changes, and that nothing else does."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import ChatRequest, parse
from router.errors import BadRequest
from router.prompts import Prompt, shape
from router.signals import prompt_hash


@dataclass(frozen=True)
class To:
    """A deployment, as far as its requests depend on it."""

    model: str
    drop: frozenset[str] = frozenset()


BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "seed": 7, "new_in_2027": {"a": [1, None]}}
LEAN = Prompt(system=("Be brief.",))

CHECKED = {
    *("temperature", "max_tokens", "max_completion_tokens", "n", "response_format", "metadata"),
    *("stream", "stream_options", "tools", "functions"),
}

texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
contents = texts | st.none() | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), max_size=2)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"]), "content": contents},
    optional={"name": texts, "new_in_2027": values},
)
bodies = st.builds(
    lambda more, said: {**more, "messages": said, "model": "auto"},
    st.dictionaries(texts.filter(lambda name: name not in CHECKED), values, max_size=4),
    st.lists(messages, min_size=1, max_size=5),
)


def asked(**more: object) -> ChatRequest:
    return parse(orjson.dumps(BODY | more))


def shaped(request: ChatRequest, **params: object) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(shape(request, to=To("small-v3"), params=params).body)
    return body


@given(bodies)
def test_without_a_prompt_nothing_but_the_model_changes_not_even_the_order(body: dict[str, Any]) -> None:
    sent = shape(parse(orjson.dumps(body)), to=To("small-v3"), params={}).body

    assert sent == orjson.dumps({**body, "model": "small-v3"})


@given(bodies)
def test_with_a_prompt_every_message_of_the_client_is_still_there(body: dict[str, Any]) -> None:
    sent = orjson.loads(shape(parse(orjson.dumps(body)), to=To("auto"), params={}, prompt=LEAN).body)

    assert sent["messages"][-len(body["messages"]) :] == body["messages"]
    assert {**sent, "messages": []} == {**body, "messages": []}


@given(bodies)
def test_a_prompt_that_replaces_another_one_changes_nothing(body: dict[str, Any]) -> None:
    request = parse(orjson.dumps(body))
    known = Prompt(system=("Be brief.",), replaces="0123456789abcdef")

    assert shape(request, to=To("m"), params={}, prompt=known).body == shape(request, to=To("m"), params={}).body


def test_a_tiers_params_fill_what_the_client_left_open() -> None:
    assert shaped(asked(), reasoning_effort="low", seed=1) == BODY | {"model": "small-v3", "reasoning_effort": "low"}


def test_null_is_left_open() -> None:
    assert shaped(asked(response_format=None), response_format={"type": "json_object"})["response_format"] == {
        "type": "json_object"
    }


def test_usage_is_asked_for_on_streams() -> None:
    assert shaped(asked(stream=True))["stream_options"] == {"include_usage": True}


def test_other_stream_options_stay() -> None:
    assert shaped(asked(stream=True, stream_options={"include_obfuscation": False}))["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }


def test_the_clients_own_object_is_not_touched() -> None:
    request = asked(stream=True, messages=[{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}])
    before = orjson.dumps(request.body)

    shape(
        request,
        to=To("m"),
        params={"temperature": 0},
        prompt=Prompt(prepend=("a",), append=("b",), examples=({"role": "user", "content": "e"},), marks=True),
        told="a first answer was cut off",
    )

    assert orjson.dumps(request.body) == before


def test_what_a_lean_prompt_saves_is_estimated_at_four_bytes_a_token() -> None:
    request = asked(messages=[{"role": "system", "content": "x" * 400}, {"role": "user", "content": "hi"}])
    from_400 = Prompt(system=("y" * 100,), replaces=prompt_hash("x" * 400))
    longer = Prompt(prepend=("z" * 80,))

    assert (shape(request, to=To("m"), params={}, prompt=from_400).trimmed) == 75
    assert (
        shape(request, to=To("m"), params={}, prompt=longer).trimmed,
        shape(request, to=To("m"), params={}).added,
    ) == (0, 0)
    assert shape(request, to=To("m"), params={}, prompt=longer).added == 20


def test_what_is_nested_too_deeply_to_be_written_is_the_clients_mistake() -> None:
    deep = orjson.loads('{"model": "auto", "messages": [{"role": "user"}], "a": ' + "[" * 300 + "]" * 300 + "}")

    with pytest.raises(BadRequest, match="nested too deeply") as told:
        shape(ChatRequest(deep, "auto"), to=To("m"), params={})

    assert told.value.code == "invalid_json"


def test_what_a_deployment_does_not_take_is_left_out_whoever_wrote_it() -> None:
    to = To("m", frozenset({"seed", "stream_options", "reasoning_effort", "never_sent"}))

    made = shape(asked(stream=True), to=to, params={"reasoning_effort": "low", "temperature": 0})

    assert orjson.loads(made.body).keys() == {"model", "messages", "new_in_2027", "stream", "temperature"}
    assert set(made.dropped) == {"seed", "stream_options", "reasoning_effort"}


def test_the_client_s_own_request_keeps_what_one_deployment_does_not_take() -> None:
    request = asked()

    shape(request, to=To("m", frozenset({"seed"})), params={})

    assert request.body["seed"] == 7
    assert orjson.loads(shape(request, to=To("m"), params={}).body)["seed"] == 7
