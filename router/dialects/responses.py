"""OpenAI's Responses: items go in, a response with items comes out, and nothing of either is stored.

(https://platform.openai.com/docs/api-reference/responses)
"""

from collections.abc import Mapping
from typing import Any

import orjson

from router import chat
from router.chat import ChatRequest
from router.dialects.responses_answer import Answer, ending
from router.dialects.responses_output import Output
from router.dialects.responses_request import chat_body
from router.dialects.responses_stream import Stream
from router.errors import BadRequest

__all__ = ["Responses"]

_NESTED = ("metadata", "reasoning", "text", "tool_choice", "tools")
"""What is told again as deep inside the events of a response as it stands in here."""


class Responses:
    """The dialect of `POST /v1/responses`."""

    def read(self, raw: bytes) -> "_Exchange":
        """Read a request's body; fields that nobody knows here go along as they are.

        Raises:
            BadRequest: it is wrong, or asks for what a chat completion cannot do.
        """
        asked = chat.json_object(raw)
        request = chat.accept(chat_body(asked))
        try:
            orjson.dumps([[asked.get(name) for name in _NESTED]])
        except orjson.JSONEncodeError as error:  # it writes less deep than it reads
            raise BadRequest("The body of your request is nested too deeply.", code="invalid_json") from error
        return _Exchange(request, asked)

    def problem(self, status: int, error: dict[str, Any], request_id: str) -> dict[str, Any]:  # noqa: ARG002  nor needed
        """Tell an error, in the envelope that is OpenAI's everywhere."""
        return {"error": error}


class _Exchange:
    """One request, and how its answer is told."""

    def __init__(self, request: ChatRequest, asked: Mapping[str, Any]) -> None:
        """`asked`: the request in its own words, of which a response tells some again."""
        self.request = request
        self._asked = asked
        reasoning = asked.get("reasoning") or {}
        self._summary = bool(reasoning.get("summary") or reasoning.get("generate_summary"))

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Tell a whole chat completion."""
        response = self._answer(answer)
        output = Output(response.named, _nobody, summary=self._summary)
        choice = (answer.get("choices") or [{}])[0]
        message = dict(choice.get("message") or {})
        if calls := message.get("tool_calls"):  # each is whole, whatever number it gives itself
            message["tool_calls"] = [{**call, "index": i} for i, call in enumerate(calls) if isinstance(call, Mapping)]
        output.add(message, choice.get("logprobs"))
        status, reason = ending(choice.get("finish_reason"))
        items = output.close("completed" if reason is None else "incomplete")
        return response.told(status, items, usage=answer.get("usage"), reason=reason)

    def stream(self) -> Stream:
        """Begin to tell a streamed one."""
        return Stream(self._answer, summary=self._summary)

    def _answer(self, first: Mapping[str, Any]) -> Answer:
        return Answer(self._asked, self.request, first)


def _nobody(event: str, fields: Mapping[str, Any]) -> None:
    """Whole answers have no events."""
