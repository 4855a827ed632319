"""A chat completion's whole answer as a message of Anthropic's, and what of it a stream tells in the same words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from router.chat import text_of

__all__ = [
    "RAW",
    "an_object",
    "call_id",
    "calls_of",
    "message",
    "objects",
    "reasoning_of",
    "stop",
    "told_at_last",
    "usage_of",
]

RAW = "_raw"
"""The name under which a tool's arguments are given that are no JSON object."""
_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
    "model_context_window_exceeded": "model_context_window_exceeded",
}
_STOPPED_AT = ("stop_reason", "matched_stop")
"""Where vLLM and SGLang say which of the texts stopped them; a number is a token."""
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")


def message(answer: Mapping[str, Any], *, thinks: bool, stops: Sequence[str]) -> dict[str, Any]:
    """Tell a whole answer; of several choices, the first. `thinks`: reasoning is shown."""
    choice = next(iter(objects(answer.get("choices"))), {})
    said = an_object(choice.get("message"))
    refusal, calls, named = text_of(said.get("refusal")), calls_of(said), str(answer.get("id") or "")
    content: list[dict[str, Any]] = []
    if thinks and (reasoning := reasoning_of(said)):
        content.append({"type": "thinking", "thinking": reasoning, "signature": ""})
    content += [{"type": "text", "text": text} for text in (text_of(said.get("content")), refusal) if text]
    content += [_tool_use(call, named, position) for position, call in enumerate(calls)]
    last = stop(choice, stops, called=bool(calls), refused=bool(refusal))
    return {
        "id": named,
        "type": "message",
        "role": "assistant",
        "model": str(answer.get("model") or ""),
        "content": content,
        **told_at_last(*last),
        "usage": usage_of(answer.get("usage")),
    }


def an_object(value: object) -> dict[str, Any]:
    """What has to be an object; an empty one where it is not."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """What has to be an array of objects, without whatever else is in it."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def reasoning_of(said: Mapping[str, Any]) -> str:
    """What a model thought aloud, in a message or a piece of one; vLLM says it twice."""
    return text_of(said.get("reasoning_content")) or text_of(said.get("reasoning"))


def calls_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools that are called in a message or a piece of one, also in the words from before there were tools."""
    calls = objects(said.get("tool_calls"))
    if not calls and isinstance(function := said.get("function_call"), dict):
        calls = [{"index": 0, "function": function}]
    return calls


def call_id(given: object, named: str, position: int) -> str:
    """A call's id; one of our own, and the same every time, where the upstream gave none."""
    return given if isinstance(given, str) and given else f"toolu_{_NOT_IN_IDS.sub('', named)}_{position}"


def _tool_use(call: Mapping[str, Any], named: str, position: int) -> dict[str, Any]:
    function = an_object(call.get("function"))
    given, name = function.get("arguments"), str(function.get("name") or "")
    return {"type": "tool_use", "id": call_id(call.get("id"), named, position), "name": name, "input": _input(given)}


def _input(arguments: object) -> dict[str, Any]:
    """A tool's arguments as an object, whatever they are."""
    if isinstance(arguments, str):
        try:
            read = orjson.loads(arguments) if arguments.strip() else {}
            orjson.dumps(read)  # it reads deeper than it writes
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            return {RAW: arguments}
    else:
        read = {} if arguments is None else arguments
    return read if isinstance(read, dict) else {RAW: arguments}


def stop(choice: Mapping[str, Any], stops: Sequence[str], *, called: bool, refused: bool) -> tuple[str, str | None]:
    """Why the answer ended, and the text that ended it."""
    reason = _REASONS.get(str(choice.get("finish_reason")), "end_turn")
    if refused:
        return "refusal", None
    at = next((said for name in _STOPPED_AT if (said := choice.get(name)) in stops and isinstance(said, str)), None)
    if reason == "end_turn" and called:
        return "tool_use", None
    if reason == "tool_use" and not called:
        return "end_turn", None
    if reason in {"end_turn", "stop_sequence"} and (at is not None or (reason == "stop_sequence" and len(stops) == 1)):
        return "stop_sequence", at if at is not None else stops[0]
    return reason, None


def told_at_last(reason: str, sequence: str | None) -> dict[str, Any]:
    """The fields in which a message says why it ended."""
    told: dict[str, Any] = {"stop_reason": reason, "stop_sequence": sequence}
    if reason == "refusal":
        told["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return told


def usage_of(usage: object) -> dict[str, Any]:
    """Tokens as Anthropic counts them: what came from a prompt cache, or went into it, apart; 0 where nobody says."""
    counts = an_object(usage)
    asked, told = an_object(counts.get("prompt_tokens_details")), an_object(counts.get("completion_tokens_details"))
    read = _count(asked, "cached_tokens") or _count(counts, "cache_read_input_tokens")
    written = _count(counts, "cache_creation_input_tokens") or _count(asked, "cache_creation_tokens")
    tokens: dict[str, Any] = {
        "input_tokens": max(_count(counts, "prompt_tokens") - read - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": _count(counts, "completion_tokens"),
    }
    if thought := _count(told, "reasoning_tokens"):
        tokens["output_tokens_details"] = {"thinking_tokens": thought}
    return tokens


def _count(counts: Mapping[str, Any], name: str) -> int:
    count = counts.get(name)
    return count if type(count) is int and count > 0 else 0
