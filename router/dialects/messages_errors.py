"""Errors in Anthropic's envelope, with its types.

(https://docs.anthropic.com/en/api/errors)
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["envelope", "kind_for", "kind_of"]

_BY_STATUS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_BY_CODE: Mapping[str, str] = {
    "deadline_exceeded": "timeout_error",
    "upstream_timeout": "timeout_error",
    "overloaded": "overloaded_error",
    "unavailable": "overloaded_error",
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "rate_limit_error",
}
_TOO_LONG = re.compile("context_length_exceeded|exceed_context_size_error|maximum context length")
"""How OpenAI, llama.cpp and vLLM say that a prompt does not fit."""
_SAID_TOO_LONG = "prompt is too long"
"""How Anthropic says it; clients that can shorten a conversation look for these words."""
_SILENT = "the upstream failed, and did not say why"


def kind_for(status: int) -> str:
    """The type of an error by its status."""
    return _BY_STATUS.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")


def kind_of(error: Mapping[str, Any]) -> str:
    """The type of an error whose status nobody hears any more: it ends a stream that had begun."""
    kind = error.get("type")
    return _BY_CODE.get(str(error.get("code"))) or (str(kind) if kind in _BY_STATUS.values() else "api_error")


def envelope(kind: str, error: Mapping[str, Any], request_id: str | None = None) -> dict[str, Any]:
    """OpenAI's error object as Anthropic tells it, with the code that names its cause.

    Code and id are left out where there is none.
    """
    message, code = error.get("message"), error.get("code")
    if not isinstance(message, str) or not message:
        message = _SILENT
    if _TOO_LONG.search(f"{code} {error.get('type')} {message}") and _SAID_TOO_LONG not in message:
        message = f"{_SAID_TOO_LONG}: {message}"
    told: dict[str, Any] = {"type": kind, "message": message}
    if isinstance(code, str) and code:
        told["details"] = {"error_code": code}
    body: dict[str, Any] = {"type": "error", "error": told}
    return {**body, "request_id": request_id} if request_id is not None else body
