"""Why a deployment did not answer, by a name that is a metric's label, and what may be done about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import orjson

from router.errors import Problem, Relayed, UpstreamFailed, UpstreamTimedOut
from router.upstream.client import Kind

__all__ = ["REASONS", "Failure", "from_event", "from_status", "is_failure", "problem"]

_NOT_CALLED = frozenset({"full", "open", "cost", "retrieval"})
REASONS = _NOT_CALLED | frozenset(get_args(Kind)) | {"unfinished", "error_event", "context", "rejected"}
"""Every reason there is, besides `status_N`."""

_RELAYED = frozenset({400, 413, 422})
_HIDDEN = frozenset({401, 403, 404})
"""Statuses about *our* key or *our* address, which would mislead a client."""
_NAMED = frozenset({401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 529})
_TOO_LONG = re.compile(rb'"context_length_exceeded"|"exceed_context_size_error"|maximum context length')
"""How OpenAI, llama.cpp and vLLM say that a prompt does not fit."""
_KEPT_HEADERS = ("content-type", "retry-after")
_ERROR = 400


@dataclass(frozen=True)
class Failure(Exception):
    """One call that gave no answer; told to the client when all have failed."""

    reason: str
    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def called(self) -> bool:
        """Whether it was called at all: not full, left alone by its breaker, too dear or without sources."""
        return self.reason not in _NOT_CALLED

    @property
    def final(self) -> bool:
        """Whether the request itself is at fault, so that asking anybody else is no use."""
        return self.status in _RELAYED

    @property
    def too_long(self) -> bool:
        """Whether a larger window might do."""
        return self.reason == "context"

    @property
    def blames_deployment(self) -> bool:
        """Whether this counts against the deployment's health."""
        return self.called and not self.final

    @property
    def again(self) -> bool:
        """Whether asking the same deployment once more can help."""
        return self.called and self.reason != "timeout"

    @property
    def retry_after(self) -> float:
        """Seconds it asked to be left alone; no end of them when it named a date."""
        text = self.headers.get("retry-after")
        try:
            return float(text) if text else 0.0
        except ValueError:
            return float("inf")


def is_failure(verdict: str) -> bool:
    """Whether an attempt with this verdict gave no answer at all, rather than one that was not good enough."""
    return verdict in REASONS or verdict.startswith("status_")


def from_status(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """An answer whose status says that it is none."""
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    if status in _RELAYED:
        return Failure("context" if _TOO_LONG.search(body) else "rejected", status, body, kept)
    return Failure(f"status_{status}" if status in _NAMED else f"status_{status // 100}xx", status, body, kept)


def from_event(error: Mapping[str, object]) -> Failure:
    """An error object in the middle of a stream."""
    code = error.get("status", error.get("code"))
    status = code if isinstance(code, int) and _ERROR <= code < 600 else None
    return Failure("error_event", status, orjson.dumps({"error": error}), {"content-type": "application/json"})


def problem(failure: Failure, tier: str) -> Problem:
    """What the client is told when nobody is left to ask: the tier's own words, where they are about the request."""
    retry = {name: value for name, value in failure.headers.items() if name == "retry-after"}
    if failure.reason == "error_event" and failure.status not in _HIDDEN:
        return Relayed(failure.status or UpstreamFailed.status, failure.body, failure.headers)
    if failure.status is not None and failure.status >= _ERROR and failure.status not in _HIDDEN:
        if _readable(failure):
            return Relayed(failure.status, failure.body, failure.headers)
        told = UpstreamFailed(f"tier '{tier}' answered {failure.status}, and nobody is left to ask", headers=retry)
        told.status = failure.status
        return told
    if failure.reason == "timeout":
        return UpstreamTimedOut(f"tier '{tier}' did not answer in time, and nobody is left to ask")
    why = f"status {failure.status}" if failure.status else failure.reason
    return UpstreamFailed(f"tier '{tier}' failed ({why}), and nobody is left to ask", headers=retry)


def _readable(failure: Failure) -> bool:
    """Whether clients can read a body: an error object, or any other that says what is wrong with the request."""
    try:
        parsed = orjson.loads(failure.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(parsed, dict) and ("error" in parsed or failure.final)
