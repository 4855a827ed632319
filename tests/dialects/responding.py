"""Responses as tests ask for them, and chat completions as upstreams answer: whole, and cut into chunks."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import orjson
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent  # noqa: TID253  its types say what a client expects
from pydantic import BaseModel

from router.chat import ChatRequest
from router.dialects.responses import Responses

__all__ = ["JSON", "asked", "chunk", "completion", "events", "exchange", "final", "streamed", "valid", "whole"]

WORDS = """
    choices delta content refusal reasoning_content annotations tool_calls function_call function custom name arguments
    input id index finish_reason logprobs token logprob bytes top_logprobs usage type text prompt_tokens
    prompt_tokens_details created model service_tier url_citation
"""
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "call_a", "function"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS.split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
"""Anything that an upstream may send, in the words that chat completions have."""
_EVENTS: Mapping[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(ResponseStreamEvent)[0])
}
HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "small"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def exchange(**fields: Any) -> Any:
    """One request that says hello, and these fields."""
    return Responses().read(orjson.dumps({"model": "auto", "input": "hello", **fields}))


def asked(**fields: Any) -> ChatRequest:
    """The chat completion that it asks for."""
    request: ChatRequest = exchange(**fields).request
    return request


def completion(message: Mapping[str, Any], finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    choice["logprobs"] = fields.pop("logprobs", None)
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE, **fields}


def whole(message: Mapping[str, Any], finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """The response that a whole answer is told as; `fields` are the request's."""
    response: dict[str, Any] = exchange(**fields).whole(completion(message, finish))
    valid(response)
    return response


def chunk(
    delta: Mapping[str, Any] | None = None, finish: str | None = None, logprobs: Any = None, **fields: Any
) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    choice = {"index": 0, "delta": dict(delta or {}), "logprobs": logprobs, "finish_reason": finish}
    return {**HEAD, "object": "chat.completion.chunk", "choices": [choice], **fields}


def streamed(chunks: Iterable[Mapping[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    """The events that a stream of these chunks is told as, usage at its end."""
    telling = exchange(stream=True, **fields).stream()
    told = b"".join([telling.chunk(dict(each)) for each in chunks])
    return events(told + telling.chunk({**HEAD, "choices": [], "usage": USAGE}) + telling.end())


def events(told: bytes, *, sane: bool = True) -> list[dict[str, Any]]:
    """What was told as events: each named as it says, numbered one by one, and as the official client has them.

    `sane`: what the upstream said is of the types that OpenAI's has.
    """
    read: list[dict[str, Any]] = []
    for raw in told.decode().split("\n\n")[:-1]:
        name, data = raw.split("\n")
        event = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == len(read)
        if sane:
            _EVENTS[event["type"]].model_validate(event)
        read.append(event)
    return read


def valid(response: Mapping[str, Any]) -> None:
    """Raise what the official client's own types find wrong with a response."""
    Response.model_validate(response)
    ids = [item["id"] for item in response["output"]]
    assert len(set(ids)) == len(ids)


def final(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The response that the last event holds."""
    response: dict[str, Any] = told[-1]["response"]
    return response
