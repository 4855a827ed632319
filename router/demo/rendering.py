"""From an answer and the request it is for to bytes on the wire; pure, so that the fake itself is easily tested."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from router.demo.answers import Answer, Delta
from router.demo.vectors import embedded, entries
from router.demo.wire import Received

__all__ = ["FINGERPRINT", "Rendered", "count_tokens", "count_usage", "render"]

FINGERPRINT = "fp_fake"
_CREATED = 1_735_689_600  # fakes live on the first day of 2025, so that equal requests get equal bytes
_WORDS = re.compile(r"\s*\S+|\s+\Z")


@dataclass(frozen=True, slots=True)
class Rendered:
    """An HTTP answer, ready to be sent: its body in pieces, and how many tokens it took to say."""

    status: int
    headers: Mapping[str, str]
    pieces: tuple[bytes, ...]
    streamed: bool = False
    tokens: int = 0


def count_tokens(text: str) -> int:
    """Guess how many tokens a text has: a token is about four characters."""
    return -(-len(text) // 4)


def count_usage(answer: Answer, body: Mapping[str, Any]) -> dict[str, int]:
    """Count the tokens that the fake will say this answer takes for a request with this body."""
    usage = _Writing(answer, body, 0).usage
    return {} if usage is None else usage


def render(answer: Answer, request: Received, serial: int) -> Rendered:
    """Say what the fake sends for this request, the `serial`-th it answers."""
    kind = {"content-type": "application/json"}
    if answer.raw is not None:
        raw = answer.raw.encode() if isinstance(answer.raw, str) else answer.raw
        return _whole(answer, raw, kind)
    if answer.error is not None:
        return _whole(answer, orjson.dumps({"error": _error(answer.error)}), kind, status=500)
    if answer.json is not None:
        return _whole(answer, orjson.dumps(answer.json), kind)
    if not _completes(answer):
        return _whole(answer, b"", {})
    return _said_by(answer, request, serial, kind)


def _said_by(answer: Answer, request: Received, serial: int, kind: Mapping[str, str]) -> Rendered:
    """What a model would say that answers."""
    if request.path.endswith("/embeddings"):
        return _whole(answer, orjson.dumps(_embeddings(answer, request.data)), kind)
    writing = _Writing(answer, request.data, serial)
    if request.data.get("stream") is True and answer.choices is None:
        events = tuple(writing.events())
        pieces = _split(b"".join(events), answer.split_at) if answer.split_at else events
        headers = {"content-type": "text/event-stream; charset=utf-8", **answer.headers}
        return Rendered(answer.status or 200, headers, pieces, streamed=True, tokens=writing.tokens)
    return _whole(answer, orjson.dumps(writing.completion()), kind, tokens=writing.tokens)


def _embeddings(answer: Answer, asked: dict[str, Any]) -> dict[str, Any]:
    """The embeddings of a request, whatever the answer says in words: those come of its own alone."""
    texts = entries(asked.get("input", ""))
    data = [{"object": "embedding", "index": place, "embedding": embedded(t, asked)} for place, t in enumerate(texts)]
    usage: Mapping[str, Any] | None = None
    if answer.usage == "counted":
        tokens = sum(map(count_tokens, texts))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    elif answer.usage is not None:
        usage = answer.usage
    model = answer.model or asked.get("model")
    told = {"object": "list", "data": data, "model": model, "system_fingerprint": FINGERPRINT}
    return {**told, **({} if usage is None else {"usage": usage}), **answer.extra}


def _completes(answer: Answer) -> bool:
    said = (answer.text, answer.tool_calls, answer.refusal, answer.stream, answer.choices)
    return any(part is not None for part in said)


def _whole(answer: Answer, body: bytes, kind: Mapping[str, str], *, status: int = 200, tokens: int = 0) -> Rendered:
    pieces = _split(body, answer.split_at)
    return Rendered(answer.status or status, {**kind, **answer.headers}, pieces, tokens=tokens)


def _split(body: bytes, cuts: Sequence[int]) -> tuple[bytes, ...]:
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(body)}), len(body)]
    return tuple(body[start:end] for start, end in pairwise(edges))


def _error(error: Mapping[str, Any] | str) -> dict[str, Any]:
    given = {"message": error} if isinstance(error, str) else error
    return {"message": "the fake was told to fail", "type": "server_error", "param": None, "code": None, **given}


@dataclass(frozen=True, slots=True)
class _Writing:
    """One completion being written for one request."""

    answer: Answer
    asked: Mapping[str, Any]
    serial: int

    @property
    def deltas(self) -> Iterator[Delta]:
        """What a stream says, piece by piece."""
        if self.answer.stream is not None:
            yield from self.answer.stream
            return
        yield from _WORDS.findall(self.answer.text or "")
        if self.answer.refusal is not None:
            yield from ({"refusal": word} for word in _WORDS.findall(self.answer.refusal))
        for index, call in enumerate(self.calls):
            function = call["function"]
            yield {"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}
            yield {"tool_calls": [{"index": index, "function": {"arguments": function["arguments"]}}]}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The tool calls in OpenAI's shape, from that or from `{name, arguments}`."""
        return [_call(call, index) for index, call in enumerate(self.answer.tool_calls or ())]

    @property
    def finish(self) -> str | None:
        """The finish reason, guessed where the answer leaves it open."""
        if self.answer.finish != "auto":
            return self.answer.finish
        return "tool_calls" if self.answer.tool_calls else "stop"

    @property
    def message(self) -> dict[str, Any]:
        """The whole answer as a message."""
        text = self.answer.text
        if self.answer.stream is not None:
            text = "".join(_content(delta) for delta in self.answer.stream)
        message = {"role": "assistant", "content": text, "refusal": self.answer.refusal}
        return {**message, "tool_calls": self.calls} if self.calls else message

    @property
    def tokens(self) -> int:
        """How many tokens the answer has, over all its choices."""
        if self.answer.choices is not None:
            return sum(count_tokens(_said(choice.get("message") or {})) for choice in self.answer.choices)
        return count_tokens(_said(self.message)) * self.count

    @property
    def count(self) -> int:
        """How many choices the client wants."""
        wanted = self.asked.get("n")
        return wanted if isinstance(wanted, int) else 1

    @property
    def usage(self) -> dict[str, Any] | None:
        """What the answer says that it took."""
        if self.answer.usage is None:
            return None
        if self.answer.usage == "counted":
            read = sum(count_tokens(_said(message)) for message in self.asked.get("messages", ()))
            given = {"prompt_tokens": read, "completion_tokens": self.tokens}
        else:
            given = dict(self.answer.usage)
        return {"total_tokens": given.get("prompt_tokens", 0) + given.get("completion_tokens", 0), **given}

    def completion(self) -> dict[str, Any]:
        """The answer as one object."""
        choices = self.answer.choices
        if choices is None:
            one = {"message": self.message, "logprobs": None, "finish_reason": self.finish}
            choices = [{"index": index, **one} for index in range(self.count)]
        usage = {} if self.usage is None else {"usage": self.usage}
        return {**self._envelope("chat.completion"), "choices": choices, **usage, **self.answer.extra}

    def events(self) -> Iterator[bytes]:
        """The answer as server-sent events: role, deltas, finish, usage if asked for, `[DONE]`."""
        counted = bool((self.asked.get("stream_options") or {}).get("include_usage")) and self.usage is not None
        common = {
            **self._envelope("chat.completion.chunk"),
            **({"usage": None} if counted else {}),
            **self.answer.extra,
        }
        if self.answer.role:
            yield from self._choices(common, {"role": "assistant", "content": "", "refusal": None})
        for delta in self.deltas:
            match delta:
                case str():
                    yield from self._choices(common, {"content": delta})
                case {"raw": raw}:
                    yield str(raw).encode()
                case {"event": event}:
                    yield _event(event)
                case _:
                    yield from self._choices(common, delta)
        if self.finish is not None:
            yield from self._choices(common, {}, self.finish)
        if counted:
            yield _event({**common, "choices": [], "usage": self.usage})
        if self.answer.done:
            yield b"data: [DONE]\n\n"

    def _choices(
        self, common: Mapping[str, Any], delta: Mapping[str, Any], finish: str | None = None
    ) -> Iterator[bytes]:
        for index in range(self.count):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield _event({**common, "choices": [choice]})

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.answer.id or f"chatcmpl-fake-{self.serial}",
            "object": kind,
            "created": _CREATED,
            "model": self.answer.model or self.asked.get("model"),
            "system_fingerprint": FINGERPRINT,
        }


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"


def _call(call: Mapping[str, Any], index: int) -> dict[str, Any]:
    if "function" in call:
        return dict(call)
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    return {"id": f"call_fake_{index}", "type": "function", "function": {"name": call["name"], "arguments": text}}


def _content(delta: Delta) -> str:
    return delta if isinstance(delta, str) else str(delta.get("content") or "")


def _said(message: Mapping[str, Any]) -> str:
    """All text of a message, in the order that counting needs: any."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    texts = [str(part.get("text", "")) for part in parts if isinstance(part, Mapping)]
    calls = [
        orjson.dumps(call["function"]).decode()
        for call in message.get("tool_calls") or ()
        if isinstance(call, Mapping) and "function" in call
    ]
    return "".join([*texts, str(message.get("refusal") or ""), *calls])
