"""A streamed chat completion as the events of a response: numbered, named, and each complete in itself."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from router.chat import index_of
from router.dialects.responses_answer import Answer, ending
from router.dialects.responses_output import Output
from router.sse import COMMENT

__all__ = ["Stream"]


class Stream:
    """One streamed answer, told as it comes."""

    __slots__ = ("_answer", "_begin", "_events", "_finish", "_number", "_output", "_summary", "_usage")

    def __init__(self, begin: Callable[[Mapping[str, Any]], Answer], *, summary: bool) -> None:
        """`begin` makes the response of the first chunk; `summary`: whether reasoning is told as a summary of it."""
        self._begin = begin
        self._summary = summary
        self._answer: Answer | None = None
        self._output: Output | None = None
        self._events: list[bytes] = []
        self._number = 0
        self._finish: object = None
        self._usage: object = None

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """Tell a chunk; nothing before there is one with a choice or a name."""
        choices = chunk.get("choices") or ()
        self._usage = chunk.get("usage") or self._usage
        if self._answer is None and not (choices or chunk.get("id")):
            return b""
        answer, output = self._begun(chunk)
        answer.service_tier = chunk.get("service_tier") or answer.service_tier
        for choice in choices:
            if index_of(choice, 0) == 0:
                output.add(choice.get("delta") or {}, choice.get("logprobs"))
                self._finish = choice.get("finish_reason") or self._finish
        return self._told()

    def comment(self) -> bytes:
        """Keep the connection open."""
        return COMMENT

    def end(self) -> bytes:
        """Tell that this was all: the last event holds the whole response."""
        answer, output = self._begun({})
        status, reason = ending(self._finish)
        items = output.close("completed" if reason is None else "incomplete")
        response = answer.told(status, items, usage=self._usage, reason=reason)
        self._tell(f"response.{status}", {"response": response})
        return self._told()

    def broken(self, error: dict[str, Any]) -> bytes:
        """Tell that it has broken off: what came of it, as a response that failed, then the error.

        The error stands in its event twice: flat as it is documented, and as an object, which is what makes OpenAI's
        clients raise it.
        """
        answer, output = self._begun({})
        response = answer.told("failed", output.told("incomplete"), usage=self._usage, error=error)
        self._tell("response.failed", {"response": response})
        flat = {name: error.get(name) for name in ("code", "message", "param")}
        self._tell("error", {**flat, "error": error})
        return self._told()

    def _begun(self, first: Mapping[str, Any]) -> tuple[Answer, Output]:
        """The response and its output; the first two events are told where this is the first of it."""
        if self._answer is None or self._output is None:
            self._answer = self._begin(first)
            self._output = Output(self._answer.named, self._tell, summary=self._summary)
            response = self._answer.told("in_progress", [])
            self._tell("response.created", {"response": response})
            self._tell("response.in_progress", {"response": response})
        return self._answer, self._output

    def _tell(self, event: str, fields: Mapping[str, Any]) -> None:
        data = orjson.dumps({"type": event, "sequence_number": self._number, **fields})
        self._events.append(b"event: %b\ndata: %b\n\n" % (event.encode(), data))
        self._number += 1

    def _told(self) -> bytes:
        """What has not been sent."""
        told = b"".join(self._events)
        self._events.clear()
        return told
