"""What LiteLLM answers, as OpenAI would have said it."""

import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "embeddings", "event", "whole"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in OpenAI's form, or an error in OpenAI's envelope."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def whole(answer: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's answer with the nulls that OpenAI's has and without those that it has not."""
    answer = _honest(_without_nulls(answer))
    for choice in answer["choices"]:
        message = choice["message"] = {"content": None, "refusal": None, **choice["message"]}
        for call in message.get("tool_calls", ()):
            call.pop("index", None)
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
    return answer


def event(chunk: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's chunk, likewise; the one that brings the usage has no choices."""
    chunk = _honest(_without_nulls(chunk))
    for choice in chunk["choices"]:
        choice.setdefault("delta", {})
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
    if "usage" in chunk and not any(choice["delta"] or choice["finish_reason"] for choice in chunk["choices"]):
        chunk["choices"] = []
    return chunk


def embeddings(answer: dict[str, Any], form: str | None) -> dict[str, Any]:
    """LiteLLM's embeddings, without a usage that it made up; in base64 where that is the `form`."""
    usage = _without_nulls(answer.pop("usage", None) or {})
    answer = _honest({**{name: item for name, item in answer.items() if item is not None}, "usage": usage})
    if form == "base64":
        for entry in answer.get("data", ()):
            if isinstance(numbers := entry.get("embedding"), list):
                entry["embedding"] = b64encode(_little(numbers)).decode()
    return answer


def _little(numbers: list[float]) -> bytes:
    """Numbers as OpenAI packs them: 32 bits each, the low byte first."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _honest(answer: dict[str, Any]) -> dict[str, Any]:
    """Take out a usage of no tokens, which LiteLLM gives where the provider gave none: unknown is not nothing."""
    if not answer.get("usage", {}).get("prompt_tokens"):
        answer.pop("usage", None)
    return answer


def _without_nulls(value: Any) -> Any:
    """A copy without nulls, and without the objects in which nothing else was."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return {name: item for name, item in kept.items() if item != {}}
