"""What LiteLLM answers, as OpenAI would have said it; no LiteLLM is needed to tell."""

import struct
from base64 import b64decode
from copy import deepcopy
from typing import Any

from router.upstream.provider_answers import embeddings, event, whole

MESSAGE: dict[str, Any] = {"role": "assistant", "content": "Hello", "tool_calls": None, "audio": None}
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 1,
    "total_tokens": 4,
    "prompt_tokens_details": {"cached_tokens": None},
}


def answer(**more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {**MESSAGE}, "finish_reason": "stop", "logprobs": None, "provider_fields": None}
    return {"id": "1", "choices": [choice], "usage": USAGE, "system_fingerprint": None, **more}


def test_nulls_that_openai_sends_are_there_and_others_are_not() -> None:
    said = whole(answer())

    assert "system_fingerprint" not in said
    (choice,) = said["choices"]
    assert choice["message"] == {"content": "Hello", "refusal": None, "role": "assistant"}
    assert choice.keys() == {"index", "message", "finish_reason", "logprobs"}
    assert said["usage"].keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_calls_of_tools_have_no_index_in_a_whole_answer() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}}

    (said,) = whole(answer(choices=[choice]))["choices"]

    assert said["message"]["tool_calls"] == [{key: call[key] for key in ("id", "type", "function")}]
    assert (said["message"]["content"], said["finish_reason"]) == (None, None)


def test_a_usage_of_no_tokens_was_measured_by_nobody() -> None:
    assert "usage" not in whole(answer(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}))


def test_the_chunk_that_brings_the_usage_has_no_choices() -> None:
    empty = {"index": 0, "delta": {"content": None}, "finish_reason": None}

    assert event({"id": "1", "choices": [empty], "usage": USAGE})["choices"] == []
    assert event({"id": "1", "choices": [{**empty, "finish_reason": "stop"}], "usage": USAGE})["choices"] != []
    assert event({"id": "1", "choices": [empty]})["choices"] == [
        {"index": 0, "delta": {}, "finish_reason": None, "logprobs": None}
    ]


def test_embeddings_keep_their_numbers_and_lose_a_usage_that_nobody_measured() -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}]
    told: dict[str, Any] = {
        "model": "m",
        "data": data,
        "object": "list",
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
        "x": None,
    }
    assert embeddings(deepcopy(told), "float") == {"model": "m", "data": data, "object": "list"}
    coded = embeddings(deepcopy(told), "base64")["data"][0]["embedding"]
    assert struct.unpack("<2f", b64decode(coded)) == (0.5, 1.0)
    told["usage"] = {"prompt_tokens": 3, "prompt_tokens_details": None}
    assert embeddings(told, None)["usage"] == {"prompt_tokens": 3}
