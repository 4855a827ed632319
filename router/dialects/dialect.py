"""What the server asks of a dialect: to read a request as a chat completion's, and to tell its answer."""

from typing import Any, Protocol

from router.chat import ChatRequest

__all__ = ["Dialect", "Exchange", "Telling"]


class Telling(Protocol):
    """One streamed answer, told as it comes. What a method gives is sent as it is; nothing where there is nothing."""

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """Tell a chunk of a chat completion."""

    def comment(self) -> bytes:
        """Tell that there is nothing to tell yet."""

    def end(self) -> bytes:
        """Tell that this was all."""

    def broken(self, error: dict[str, Any]) -> bytes:
        """Tell that it has broken off, as OpenAI's error object says; nothing is told after it."""


class Exchange(Protocol):
    """One request, and how its answer is told."""

    @property
    def request(self) -> ChatRequest:
        """The request, as a chat completion's."""

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Tell a whole chat completion."""

    def stream(self) -> Telling:
        """Begin to tell a streamed one."""


class Dialect(Protocol):
    """One way to ask."""

    def read(self, raw: bytes) -> Exchange:
        """Read a request's body.

        Raises:
            BadRequest: it is wrong, or says what a chat completion cannot; in the words of this dialect.
        """

    def problem(self, status: int, error: dict[str, Any], request_id: str) -> dict[str, Any]:
        """Tell an error, as OpenAI's error object says it, instead of an answer."""
