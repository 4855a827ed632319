"""What LiteLLM raises: an error that a client can read, or no answer at all."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from router.upstream.client import Kind, TransportError
from router.upstream.provider_answers import Answer

__all__ = ["answer_to", "refusal"]

_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("timeout", frozenset({"TimeoutException", "Timeout", "APITimeoutError", "TimeoutError"})),
    ("connect", frozenset({"ConnectError", "ClientConnectorError", "EndpointConnectionError"})),
    ("reset", frozenset({"NetworkError", "RemoteProtocolError", "ClientPayloadError", "ConnectionError"})),
    ("malformed", frozenset({"JSONDecodeError", "APIConnectionError"})),
)
"""How a call without an answer failed, by the classes found in the chain of its exception, first match first.
(`APIConnectionError` is LiteLLM's name for whatever else went wrong, mostly an answer it could not read.)"""
_UNREADABLE = 422
"""The status LiteLLM gives to answers it could not read, when the provider itself did not answer so."""
_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
    "UnsupportedParamsError": "unsupported_parameter",
}
_WRAPPING = re.compile(
    r"^(?:litellm\.\w+: )*(?:\w+(?:Error|Exception) - )?|\.? (?:Handle with `litellm|To drop these).*", re.DOTALL
)
"""What LiteLLM adds to a provider's words."""


def answer_to(error: BaseException) -> Answer:
    """Give the answer with an error status that an exception stands for.

    Raises:
        TransportError: no answer at all.
    """
    error = getattr(error, "original_exception", None) or error  # what went wrong in the middle of a stream
    chain = list(_chain(error))
    names = {base.__name__ for one in chain for base in type(one).__mro__}
    code = next((code for name, code in _CODES.items() if name in names), None)
    response = next((getattr(one, "response", None) for one in chain if _is_refusal(one)), None)
    if response is not None:
        return _refused(response, code)
    words = _WRAPPING.sub("", str(getattr(error, "message", error)))
    for kind, classes in _KINDS:
        if names & classes and code is None:
            raise TransportError(kind, words) from error
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status < 600 or status == _UNREADABLE:
        raise TransportError("malformed", words) from error
    return refusal(status, {"message": words, "code": code})


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_refusal(error: BaseException) -> bool:
    """Whether this is httpx's word for an answer with an error status; the answer is in its `response`."""
    return any(base.__name__ == "HTTPStatusError" for base in type(error).__mro__)


def _refused(response: Any, code: str | None) -> Answer:
    """The provider's own error, in OpenAI's envelope."""
    told: Any = None
    with suppress(Exception):  # not read, or not JSON: then its status has to do
        told = orjson.loads(response.content)
    told = told[0] if isinstance(told, list) and told else told
    told = told.get("error", told) if isinstance(told, dict) else {}
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        told = {"message": f"the provider answered {response.status_code}"}
    answer = refusal(response.status_code, {**told, "code": code or told.get("code")})
    retry_after = response.headers.get("retry-after")
    return replace(answer, headers={**answer.headers, "retry-after": retry_after}) if retry_after else answer


def refusal(status: int, told: Mapping[str, Any]) -> Answer:
    """Put what is known of an error into OpenAI's envelope."""
    envelope = {
        "message": told["message"],
        "type": told.get("type") or ("invalid_request_error" if status < 500 else "upstream_error"),
        "param": told.get("param"),
        "code": told["code"] if isinstance(told.get("code"), str) else None,
    }
    return Answer(status, orjson.dumps({"error": envelope}))
