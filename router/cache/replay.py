"""A whole answer as a stream, a stream as a whole answer, and a stream without the usage nobody asked to see."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from router.chat import index_of, text_of
from router.sse import DONE, Splitter, encode

__all__ = ["as_stream", "as_whole", "without_usage"]

_TOLD = ("id", "created", "model", "system_fingerprint", "service_tier")
_TOOLS = frozenset({"custom", "function"})
_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


def as_stream(whole: bytes, *, usage: bool) -> bytes:
    """Write a whole answer as the events of a stream: each choice in one piece, then its finish."""
    answer = orjson.loads(whole)
    head = {name: answer[name] for name in _TOLD if name in answer} | {"object": "chat.completion.chunk"}
    chunks: list[dict[str, Any]] = []
    for position, choice in enumerate(answer["choices"]):
        index = index_of(choice, position)
        delta = dict(choice.get("message") or {})
        if calls := delta.get("tool_calls"):
            delta["tool_calls"] = [{**call, "index": number} for number, call in enumerate(_objects(calls))]
        first = {"index": index, "delta": delta, "logprobs": choice.get("logprobs"), "finish_reason": None}
        last = {"index": index, "delta": {}, "logprobs": None, "finish_reason": choice.get("finish_reason")}
        chunks += [{**head, "choices": [first]}, {**head, "choices": [last]}]
    if usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**head, "choices": [], "usage": answer.get("usage")})
    return b"".join([*(encode(orjson.dumps(chunk)) for chunk in chunks), DONE])


def as_whole(events: bytes) -> bytes:
    """Put a stream's events together to the whole answer they are."""
    answer: dict[str, Any] = {"object": "chat.completion"}
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in _chunks(events):
        answer |= {name: chunk[name] for name in _TOLD if chunk.get(name) is not None and name not in answer}
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            index = index_of(choice, 0)
            if index not in choices:
                message = {"role": "assistant", "content": None}
                choices[index] = {"index": index, "message": message, "logprobs": None, "finish_reason": None}
            _grow(choices[index], choice)
    answer["choices"] = [_listed(choices[index]) for index in sorted(choices)]
    if usage:
        answer["usage"] = usage
    return orjson.dumps(answer)


def _grow(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add one chunk's part of a choice."""
    message = whole["message"]
    for name, value in (part.get("delta") or {}).items():
        if name == "tool_calls":
            calls = message.setdefault("tool_calls", {})
            for position, call in enumerate(_objects(value)):
                _grow_call(calls, index_of(call, position), call)
        elif name in _TEXTS and value is not None and not isinstance(value, Mapping):
            message[name] = text_of(message.get(name)) + text_of(value)
        elif isinstance(value, str) and isinstance(message.get(name), str) and name != "role":
            message[name] += value
        elif isinstance(value, Mapping) and isinstance(message.get(name), Mapping):
            message[name] = _joined(message[name], value)
        elif value is not None:
            message[name] = value
    if logprobs := part.get("logprobs"):
        before = whole["logprobs"] or {}
        whole["logprobs"] = (
            {
                name: [*(before.get(name) or ()), *more] if isinstance(more, list) else more or before.get(name)
                for name, more in {**before, **logprobs}.items()
            }
            if before
            else dict(logprobs)
        )
    whole["finish_reason"] = part.get("finish_reason") or whole["finish_reason"]


def _grow_call(calls: dict[int, list[dict[str, Any]]], index: int, part: Mapping[str, Any]) -> None:
    numbered = calls.setdefault(index, [])
    if not numbered or _another(numbered[-1], part):
        numbered.append({"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
    call = numbered[-1]
    for name, value in part.items():
        if name in _TOOLS and isinstance(value, Mapping):
            if name == "custom":
                call.pop("function", None)
            call[name] = _joined(call.get(name) or {}, value)
        elif name != "index" and name not in _TOOLS and value is not None:
            call[name] = value


def _another(call: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether a part begins another call than the one before of its number: some upstreams give each call the same.

    It has an id and a name of its own then, and that one lacks nothing: others make an id for each piece of a call.
    """
    if not part.get("id") or not call["id"] or part["id"] == call["id"]:
        return False
    named = part.get("function") or part.get("custom")
    if not isinstance(named, Mapping) or not named.get("name"):
        return False
    if "function" not in call:
        return True
    try:
        return isinstance(orjson.loads(call["function"].get("arguments") or ""), dict)
    except orjson.JSONDecodeError:
        return False


def _listed(choice: dict[str, Any]) -> dict[str, Any]:
    """A choice with its calls in their order; while they grow they are kept by whatever numbers upstream counts in."""
    calls: dict[int, list[dict[str, Any]]] | None = choice["message"].get("tool_calls")
    if calls is not None:
        choice["message"]["tool_calls"] = [call for index in sorted(calls) for call in calls[index]]
    return choice


def _objects(calls: object) -> list[Mapping[str, Any]]:
    """What can be calls in a list, if it is one."""
    return [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []


def _joined(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Texts grow, the rest is replaced."""
    grown = dict(before)
    for name, value in more.items():
        if isinstance(value, str) and isinstance(grown.get(name), str):
            grown[name] += value
        elif value is not None:
            grown[name] = value
    return grown


def without_usage(events: bytes) -> bytes:
    """Write a stream's events, or some of them, as for a client that did not ask to see usage."""
    if b'"usage"' not in events:
        return events
    kept: list[bytes] = []
    for raw, data in _events(events):
        chunk = orjson.loads(data) if data is not None and b'"usage"' in data else None
        if not isinstance(chunk, dict) or "usage" not in chunk:
            kept.append(raw)
        elif chunk.get("choices") or not chunk["usage"]:
            del chunk["usage"]
            kept.append(encode(orjson.dumps(chunk)))
    return b"".join(kept)


def _events(events: bytes) -> Iterable[tuple[bytes, bytes | None]]:
    splitter = Splitter()
    return [*splitter.feed(events), *splitter.finish()]


def _chunks(events: bytes) -> Iterable[dict[str, Any]]:
    for _, data in _events(events):
        if data is not None and data != b"[DONE]":
            yield orjson.loads(data)
