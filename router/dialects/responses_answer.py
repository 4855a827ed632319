"""The response object: what was asked, what came of it, and what it took."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from router.chat import ChatRequest

__all__ = ["Answer", "ending"]

_ECHOED: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": None,
    "temperature": None,
    "tool_choice": "auto",
    "top_logprobs": None,
    "top_p": None,
}
"""What is told again of a request, and what of one that did not say."""
_HONOURED: Mapping[str, Any] = {"store": False, "truncation": "disabled"}
"""What is done, whatever was asked."""
_CODES = frozenset({"server_error", "rate_limit_exceeded", "invalid_prompt"})
"""What an error in a response may be, as far as it can be here."""
_UNFINISHED: Final[Mapping[object, str]] = {"content_filter": "content_filter", "length": "max_output_tokens"}


class Answer:
    """The response to one request, from when the first of it is known."""

    __slots__ = ("_fields", "named", "service_tier")

    def __init__(self, asked: Mapping[str, Any], request: ChatRequest, first: Mapping[str, Any]) -> None:
        """`asked`: the request's own body; `first`: a chat completion, or the first chunk of one."""
        created, model = first.get("created"), first.get("model")
        created = created if isinstance(created, int | float) else 0
        model = model if isinstance(model, str) and model else request.model
        self.named = _named(first.get("id"), request, created)
        self.service_tier: object = first.get("service_tier")
        self._fields: dict[str, Any] = {
            "id": self.named,
            "object": "response",
            "created_at": created,
            "model": model,
            **{name: default if asked.get(name) is None else asked[name] for name, default in _ECHOED.items()},
            **_HONOURED,
            "reasoning": {"effort": None, "summary": None, **(asked.get("reasoning") or {})},
            "text": {"format": {"type": "text"}, **_said(asked.get("text"))},
            "tools": [_tool(tool) for tool in asked.get("tools") or ()],
        }
        if asked.get("user") is not None:
            self._fields["user"] = asked["user"]

    def told(
        self,
        status: str,
        output: list[dict[str, Any]],
        *,
        usage: object = None,
        reason: str | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The response as it is now; `reason`: why it is incomplete, `error`: why it failed."""
        response = {
            **self._fields,
            "status": status,
            "error": None if error is None else _error(error),
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": output,
        }
        if (counted := _usage(usage)) is not None:
            response["usage"] = counted
        if isinstance(self.service_tier, str):
            response["service_tier"] = self.service_tier
        return response


def ending(finish_reason: object) -> tuple[str, str | None]:
    """What a response is when its only choice ends like this, and why it is not complete."""
    reason = _UNFINISHED.get(finish_reason) if isinstance(finish_reason, str) else None
    return ("completed" if reason is None else "incomplete"), reason


def _named(given: object, request: ChatRequest, created: float) -> str:
    """What a response is called: as the upstream calls its completion, so that both names lead to the same decision.

    An upstream that has no name for it gets one of the request and the second.
    """
    if isinstance(given, str) and given:
        return given
    of = blake2b(orjson.dumps(request.body), digest_size=12)
    of.update(str(created).encode())
    return f"resp_{of.hexdigest()}"


def _said(fields: object) -> dict[str, Any]:
    """What of an object says something."""
    return {name: value for name, value in fields.items() if value is not None} if isinstance(fields, Mapping) else {}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as it is told again, with what a function has when it does not say."""
    return {"parameters": None, "strict": False, **_said(tool)} if tool.get("type") == "function" else {**tool}


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    code = error.get("code")
    known = isinstance(code, str) and code in _CODES
    return {"code": code if known else "server_error", "message": error.get("message") or "the answer failed"}


def _usage(usage: object) -> dict[str, Any] | None:
    """What it took, in the words of responses; None where nobody said."""
    if not isinstance(usage, Mapping) or not isinstance(usage.get("prompt_tokens"), int):
        return None
    read, written = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    asked, answered = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    cached = {name: _count(read, name) for name in ("cached_tokens", "cache_write_tokens")}
    return {
        "input_tokens": asked,
        "input_tokens_details": cached,
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": _count(written, "reasoning_tokens")},
        "total_tokens": _count(usage, "total_tokens") or asked + answered,
    }


def _count(counts: object, name: str) -> int:
    count = counts.get(name) if isinstance(counts, Mapping) else None
    return count if isinstance(count, int) and count > 0 else 0
