"""What a fake upstream is told to do with a request, as one value that plain YAML can also describe.

An answer says *what* is sent (at most one kind) and *how*:

    {text: hello}                                       a completion; word by word if the client streams
    {stream: [he, llo], finish: length}                 in exactly these deltas; `finish: null`: without a reason
    {stream: [{reasoning_content: hm}, {event: {…}}, {raw: "data: {"}]}      a delta, a whole chunk, bytes as they are
    {tool_calls: [{name: find, arguments: {id: 7}}]}    {refusal: "I cannot"}     {choices: []}     {json: {any: thing}}
    {status: 429, error: {message: slow down, code: rate_limit_exceeded}, headers: {retry-after: "1"}}
    {raw: "<html>", status: 502, headers: {content-type: text/html}}     {status: 503}: no body at all
    {reset: before}, {stall: true}, {refuse: true}      nothing at all: a reset connection, silence, a closed port

A request to `…/embeddings` gets vectors made of its own texts from any answer that would be a completion.

    usage: {…} | null       instead of counted tokens; null: the upstream does not say
    extra: {…}              further fields of the completion, or of every chunk of a stream
    model, id               instead of the requested model and a counted id
    done: false             no `[DONE]` after a stream;   role: false   no role event before it
    delay, between          seconds before the first byte; seconds between the pieces
    split_at: [3, 10]       send the body in pieces cut at these bytes, instead of whole or event by event
    cut_after: 2            after so many pieces (the role event is one; 0: after the headers) close the connection,
    reset_after, stall_after                                          or reset it, or fall silent until the client goes
"""

import asyncio
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

__all__ = ["Answer", "Delta"]

Delta = str | Mapping[str, Any]
"""A piece of a stream: text, a delta object, `{"event": chunk}` or `{"raw": text}`."""

_COMPLETION = ("text", "tool_calls", "refusal")
_ALONE = ("stream", "choices", "json", "raw", "error", "reset", "stall", "refuse")
_ENDS = ("cut_after", "reset_after", "stall_after")
_GATES = ("gate", "gates")  # events of a running loop: no YAML can name them


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a fake upstream behaves, once; the module's docstring explains every field.

    Raises ValueError when it says nothing, or contradicts itself.
    """

    text: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] | None = None
    refusal: str | None = None
    stream: Sequence[Delta] | None = None
    choices: Sequence[Mapping[str, Any]] | None = None
    json: Any = None
    raw: str | bytes | None = None
    error: Mapping[str, Any] | str | None = None
    reset: Literal["before"] | None = None
    stall: bool = False
    refuse: bool = False

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str | None = "auto"
    """The finish reason; `auto` is `tool_calls` where there are some, else `stop`."""
    usage: Mapping[str, Any] | Literal["counted"] | None = "counted"
    extra: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    id: str | None = None
    done: bool = True
    role: bool = True

    delay: float = 0.0
    between: float = 0.0
    split_at: Sequence[int] = ()
    cut_after: int | None = None
    reset_after: int | None = None
    stall_after: int | None = None
    gate: asyncio.Event | None = None
    """Wait for this before the first byte."""
    gates: Mapping[int, asyncio.Event] = field(default_factory=dict)
    """Wait for these before the piece of that number, counted from 0."""

    def __post_init__(self) -> None:
        """Refuse an answer that says nothing, or two things at once."""
        said = [name for name in _ALONE if getattr(self, name) not in (None, False)]
        said += [name for name in _COMPLETION if getattr(self, name) is not None][:1]
        if len(said) > 1:
            raise ValueError(f"an answer is one of {' and '.join(said)}, not both")
        if not said and self.status is None:
            raise ValueError("an answer says something: text, stream, tool_calls, choices, json, raw, error, status …")
        if self.reset not in (None, "before"):
            raise ValueError(f"'reset' is 'before' or left out, not '{self.reset}'; later resets are reset_after: N")
        ends = [name for name in _ENDS if getattr(self, name) is not None]
        if len(ends) > 1:
            raise ValueError(f"an answer ends once: {' or '.join(ends)}")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read an answer from plain data, as YAML gives it.

        Raises ValueError that names an unknown key and the known ones like it.
        """
        known = [each.name for each in fields(cls) if each.name not in _GATES]
        for key in data:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"an answer has {', '.join(known)}"
                raise ValueError(f"unknown key '{key}' in an answer; {hint}")
        headers = data.get("headers", {})
        if not isinstance(headers, Mapping):
            raise ValueError("'headers' of an answer is a mapping of names to values")  # noqa: TRY004 - data, not a call
        return cls(**{**data, "headers": {str(name): str(value) for name, value in headers.items()}})
