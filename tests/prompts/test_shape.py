"""The request as a tier should see it."""

from typing import Any

import orjson

from router.chat import ChatRequest, parse
from router.prompts import shape

BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "seed": 7, "new_in_2027": {"a": [1, None]}}


def asked(**more: object) -> ChatRequest:
    return parse(orjson.dumps(BODY | more))


def shaped(request: ChatRequest, **params: object) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(shape(request, model="small-v3", params=params))
    return body


def test_only_the_model_changes() -> None:
    assert shaped(asked()) == BODY | {"model": "small-v3"}


def test_a_tiers_params_fill_what_the_client_left_open() -> None:
    assert shaped(asked(), reasoning_effort="low", seed=1) == BODY | {"model": "small-v3", "reasoning_effort": "low"}


def test_usage_is_asked_for_on_streams() -> None:
    assert shaped(asked(stream=True))["stream_options"] == {"include_usage": True}


def test_other_stream_options_stay() -> None:
    assert shaped(asked(stream=True, stream_options={"include_obfuscation": False}))["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }


def test_the_clients_own_object_is_not_touched() -> None:
    request = asked(stream=True)
    before = orjson.dumps(request.body)

    shaped(request, temperature=0)

    assert orjson.dumps(request.body) == before
