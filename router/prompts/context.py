"""Sources that are retrieved for a request: what is asked for, what comes back, and how a model gets to see it.

They go behind the user's last words: the prompt before them stays as it was, so that prompt caches still hit, and the
words that are always the same come before the sources that never are. A source's text is a stranger's text: it is
escaped, so that it cannot end the tag it stands in, and it is bounded.
"""

from dataclasses import dataclass, field, replace
from html import escape
from importlib.resources import files
from typing import Any, Literal

import orjson

from router import signals
from router.chat import ChatRequest
from router.policy import Policy, templates
from router.policy.files import RETRIEVED
from router.policy.schema import Context as Spec
from router.policy.templates import Template

__all__ = ["Chunk", "Context", "Unreadable"]

_LONGEST_TEXT = 8_000
"""Characters of one chunk."""
_LONGEST_NAME = 200
"""Characters of an id, and of a source's name."""
_MOST_JUDGED = 40_000
"""Characters of sources that a judge of the answer reads."""
Message = dict[str, Any]


class Unreadable(ValueError):
    """A retriever's answer holds no chunks."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a source."""

    id: str
    text: str
    source: str = ""
    """Where it comes from, as people know it; empty when the retriever does not say."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a tier's sources come from. Its methods are pure; whoever asks the retriever calls them."""

    url: str
    api_key: str | None = field(repr=False)
    top_k: int
    messages: bool
    timeout: float
    words: Template
    on_error: Literal["skip", "escalate", "fail"]

    @classmethod
    def of(cls, spec: Spec, policy: Policy) -> "Context":
        """Compile what a policy says."""
        text = policy.read_text(spec.template) if spec.template else shipped()
        words = templates.parse(text.strip(), RETRIEVED.__contains__)
        return cls(spec.url, spec.api_key, spec.top_k, spec.messages, spec.timeout, words, spec.on_error)

    def question(self, request: ChatRequest) -> bytes:
        """What the retriever is asked: the text that the next answer is about."""
        asked: dict[str, Any] = {"query": signals.clip(signals.subject(request)), "top_k": self.top_k}
        if self.messages:
            asked["messages"] = request.messages
        return orjson.dumps(asked)

    def read(self, raw: bytes) -> tuple[Chunk, ...]:
        """Read the retriever's answer: ``{"chunks": [{"id", "text", "source"}]}``, best first.

        Raises:
            Unreadable: it is something else.
        """
        try:
            found = orjson.loads(raw)["chunks"][: self.top_k]
            return tuple(_chunk(each) for each in found)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Unreadable(f"no chunks: {type(error).__name__}") from error

    def given(self, request: ChatRequest, chunks: tuple[Chunk, ...]) -> ChatRequest:
        """The request as it is asked with these sources, which are numbered from 1."""
        written = list(map(_written, range(1, len(chunks) + 1), chunks))
        told = templates.fill(self.words, {"sources": "\n".join(written)})
        sources = frozenset(str(number) for number in range(1, len(chunks) + 1))
        body = {**request.body, "messages": _with(request.messages, told)}
        return replace(request, body=body, sources=sources, given=_judged(written))


def shipped() -> str:
    """Return the words that are used when a policy has none of its own."""
    return (files("router.prompts") / "context.md").read_text("utf-8")


def _chunk(each: Message) -> Chunk:
    identity, text, source = each["id"], each["text"], each.get("source")
    if not isinstance(text, str) or not isinstance(identity, str | int):
        raise TypeError(type(text))
    return Chunk(
        str(identity)[:_LONGEST_NAME], text[:_LONGEST_TEXT], source[:_LONGEST_NAME] if isinstance(source, str) else ""
    )


def _written(number: int, chunk: Chunk) -> str:
    name = f' name="{escape(" ".join(chunk.source.split()))}"' if chunk.source else ""
    return f'<source id="{number}"{name}>\n{escape(chunk.text.strip(), quote=False)}\n</source>'


def _judged(written: list[str]) -> str:
    """The first of the sources, as many of them as a judge reads."""
    size, read = 0, list[str]()
    for source in written:
        size += len(source) + 1
        if size > _MOST_JUDGED:
            return "\n".join([*read, f"({len(written) - len(read)} more sources are left out here)"])
        read.append(source)
    return "\n".join(read)


def _with(messages: list[Message], told: str) -> list[Message]:
    """Put the words behind the user's last ones, wherever in the conversation those stand."""
    last = next((i for i in range(len(messages) - 1, -1, -1) if messages[i]["role"] == "user"), None)
    if last is None:
        return [*messages, {"role": "user", "content": told}]
    message = messages[last]
    content = message.get("content")
    if isinstance(content, list):
        made: Any = [*content, {"type": "text", "text": told}]
    else:
        made = f"{content}\n\n{told}" if content else told
    return [*messages[:last], {**message, "content": made}, *messages[last + 1 :]]
