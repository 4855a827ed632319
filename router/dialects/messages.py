"""Anthropic's Messages API: a conversation of blocks goes in as a chat completion's, and blocks come out.

(https://docs.anthropic.com/en/api/messages)
"""

from typing import Any

from router import chat
from router.chat import ChatRequest
from router.dialects.messages_answer import message
from router.dialects.messages_errors import envelope, kind_for
from router.dialects.messages_request import chat_body, stops, thinks
from router.dialects.messages_stream import MessageTelling

__all__ = ["Messages", "to_count"]


class Messages:
    """The dialect of `POST /v1/messages`."""

    def read(self, raw: bytes) -> "_Exchange":
        """Read a request's body.

        Raises:
            BadRequest: it is wrong, or asks for what a chat completion cannot express.
        """
        body = chat.json_object(raw)
        return _Exchange(chat.accept(chat_body(body)), thinks=thinks(body), stops=stops(body))

    def problem(self, status: int, error: dict[str, Any], request_id: str) -> dict[str, Any]:
        """Tell an error in Anthropic's envelope."""
        return envelope(kind_for(status), error, request_id)


def to_count(raw: bytes) -> ChatRequest:
    """Read the body of `POST /v1/messages/count_tokens`: a request that nobody is to answer.

    Raises:
        BadRequest: it is wrong, or asks for what a chat completion cannot express.
    """
    return chat.accept(chat_body(chat.json_object(raw), counting=True))


class _Exchange:
    """One request, and how its answer is told."""

    def __init__(self, request: ChatRequest, *, thinks: bool, stops: tuple[str, ...]) -> None:
        """`thinks`: reasoning is shown; `stops`: the texts at which it is to stop."""
        self.request = request
        self._thinks = thinks
        self._stops = stops

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Tell a whole chat completion."""
        return message(answer, thinks=self._thinks, stops=self._stops)

    def stream(self) -> MessageTelling:
        """Begin to tell a streamed one."""
        return MessageTelling(thinks=self._thinks, stops=self._stops)
