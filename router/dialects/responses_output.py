"""The output of a response: which item each piece of a chat completion belongs to, whole or as it streams.

A whole answer is a stream of one piece, so both come to the same items. Reasoning, then a message, then calls is how
answers come; where one comes back to what it had left, that is another item. Calls alone stay open until the end:
several may grow at once, and who carries one out must have all of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from router.chat import index_of
from router.dialects.responses_items import RAW, REFUSAL, SUMMARY, TEXT, Call, Said, Shape, Status, Tell, words

__all__ = ["Output"]


class Output:
    """The output of one response while it grows."""

    __slots__ = ("_calls", "_items", "_named", "_open", "_tell", "_thoughts", "_tokens", "_waiting")

    def __init__(self, named: str, tell: Tell, *, summary: bool) -> None:
        """`named`: what the response is called; `summary`: whether reasoning is told as a summary of it."""
        self._named = named
        self._tell = tell
        self._thoughts = SUMMARY if summary else RAW
        self._items: list[Said | Call] = []
        self._open: Said | None = None
        self._calls: dict[int, Call] = {}
        self._waiting: Call | None = None
        """A call that is not placed: its name may still grow."""
        self._tokens: list[dict[str, Any]] = []
        """Of characters that are not complete yet."""

    def add(self, delta: Mapping[str, Any], logprobs: object = None) -> None:
        """Take a piece of the message."""
        if thought := words(delta.get("reasoning_content")) or words(delta.get("reasoning")):
            self._said(self._thoughts).grow(self._thoughts, thought)
        self._tokens += _tokens(logprobs)
        text = words(delta.get("content"))
        if text or (self._tokens and self._open is not None and self._open.written):
            tokens, self._tokens = self._tokens, []
            self._said(TEXT).grow(TEXT, text, tokens)
        for annotation in _objects(delta.get("annotations")):
            if self._open is not None:
                self._open.cite(_flat(annotation))
        if refusal := words(delta.get("refusal")):
            self._said(REFUSAL).grow(REFUSAL, refusal)
        calls = _objects(delta.get("tool_calls"))
        if not calls and (function := delta.get("function_call")):
            calls = [{"index": 0, "function": function}]
        for position, call in enumerate(calls):
            self._call(index_of(call, position), call)

    def close(self, last: Status) -> list[dict[str, Any]]:
        """Tell that this is all, and return it; `last`: whether the last item was cut off."""
        self._settle(last)
        for item in self._items:
            if isinstance(item, Call):
                item.close(last if item is self._items[-1] else "completed")
        return self.told(last)

    def told(self, last: Status) -> list[dict[str, Any]]:
        """The items as they are now; `last`: what the last of them is."""
        return [item.told(last if item is self._items[-1] else "completed") for item in self._items]

    def _said(self, shape: Shape) -> Said:
        """The item that a part of this shape belongs to."""
        thought = shape is self._thoughts
        if self._open is None or self._open.thought is not thought:
            self._settle()
            self._open = Said(shape, self._named, len(self._items), self._tell)
            self._items.append(self._open)
        return self._open

    def _call(self, index: int, part: Mapping[str, Any]) -> None:
        call = self._calls.get(index)
        if call is None or call.precedes(part):
            self._settle()
            call = self._waiting = self._calls[index] = Call(self._tell)
        text = call.take(part)
        if call.placed and text:
            call.tell(text)
        elif call.begun and call is self._waiting:
            self._settle()

    def _settle(self, status: Status = "completed") -> None:
        """Something else begins, or nothing more comes: close what was open, place the call that waited."""
        if self._open is not None:
            self._open.close(status)
            self._open = None
        if (call := self._waiting) is not None:
            self._waiting = None
            index = len(self._items)
            taken = {item.call_id for item in self._items if isinstance(item, Call)}
            call_id = f"call_{self._named}_{index}" if call.given_id in {"", *taken} else call.given_id
            self._items.append(call)
            call.place(call_id, self._named, index)


def _objects(listed: object) -> list[Mapping[str, Any]]:
    """What are objects in a list, if it is one."""
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _tokens(logprobs: object) -> Iterator[dict[str, Any]]:
    """The log probabilities of the text's tokens, with every field that a response has."""
    for token in _objects(logprobs.get("content") if isinstance(logprobs, Mapping) else None):
        if isinstance(token.get("logprob"), int | float):
            yield {**_token(token), "top_logprobs": [_token(top) for top in _objects(token.get("top_logprobs"))]}


def _token(token: Mapping[str, Any]) -> dict[str, Any]:
    text, read = words(token.get("token")), token.get("bytes")
    return {
        "token": text,
        "bytes": read if isinstance(read, list) else list(text.encode()),
        "logprob": token.get("logprob"),
    }


def _flat(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """An annotation as a response has it: chat completions put what it says one level deeper."""
    kind = annotation.get("type")
    said = annotation.get(kind) if isinstance(kind, str) else None
    return {"type": kind, **said} if isinstance(said, Mapping) else dict(annotation)
