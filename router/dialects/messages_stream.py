"""A chat completion's stream as the events of Anthropic's, one block of content after the other."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from router.chat import index_of, text_of
from router.dialects.messages_answer import (
    an_object,
    call_id,
    calls_of,
    objects,
    reasoning_of,
    stop,
    told_at_last,
    usage_of,
)
from router.dialects.messages_errors import envelope, kind_of

__all__ = ["MessageTelling"]

_STARTS: Mapping[str, dict[str, Any]] = {
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "text": {"type": "text", "text": ""},
    "refusal": {"type": "text", "text": ""},
}
_DELTAS = {
    "thinking": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "tool": ("input_json_delta", "partial_json"),
}


class _Block:
    """One block of content while it grows."""

    __slots__ = ("_looked_at", "_whole", "arguments", "id", "kind", "name", "opened", "position", "waiting")

    def __init__(self, kind: str, position: int = 0) -> None:
        """`position`: which call of a tool it is."""
        self.kind = kind
        self.position = position
        self.id: str | None = None
        self.name = ""
        self.opened = False
        self.waiting: list[str] = []
        """What has come and was not told yet."""
        self.arguments: list[str] = []
        """Everything that has come, of a tool's."""
        self._looked_at, self._whole = 0, False
        """How many of these there were when somebody looked whether they are a whole object, and whether they were."""

    @property
    def complete(self) -> bool:
        """Whether nothing more has to come: a text may end anywhere, arguments where they are a JSON object."""
        if self.kind != "tool":
            return True
        if self._looked_at < len(self.arguments):
            self._looked_at = len(self.arguments)
            self._whole = _is_object(self.arguments)
        return self._whole


class MessageTelling:
    """One streamed answer, told as it comes.

    Only one block is open at a time, as Anthropic has it. What comes for the next ones meanwhile waits, until the open
    one is complete; so calls of tools may arrive in turns, and each is told in one.
    """

    __slots__ = ("_blocks", "_calls", "_id", "_index", "_last", "_said", "_stops", "_thinks", "_tools", "_usage")

    def __init__(self, *, thinks: bool, stops: Sequence[str]) -> None:
        """`thinks`: reasoning is shown; `stops`: the texts at which it is to stop."""
        self._thinks = thinks
        self._stops = stops
        self._id: str | None = None
        """Of the message; None until it has begun."""
        self._blocks: deque[_Block] = deque()
        """The open one, and those that wait."""
        self._index = 0
        """Of the open one, or of the next."""
        self._calls: dict[int, _Block] = {}
        """The last one of each index."""
        self._tools = 0
        self._said: set[str] = set()
        """Kinds of blocks that there were."""
        self._last: dict[str, Any] = {}
        self._usage: object = None

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """Tell a chunk."""
        told: list[bytes] = []
        if usage := chunk.get("usage"):
            self._usage = usage
        choices = [each for each in objects(chunk.get("choices")) if not index_of(each, 0)]
        if self._id is None and (choices or chunk.get("id")):
            told.append(self._begin(chunk))
        for choice in choices:
            self._take(an_object(choice.get("delta")))
            if choice.get("finish_reason"):
                self._last = choice
        return b"".join([*told, *self._flush()])

    def comment(self) -> bytes:
        """Tell that there is nothing to tell yet."""
        return _event("ping", {})

    def end(self) -> bytes:
        """Tell what is left, why it ended, and what it took."""
        told = [self._begin({})] if self._id is None else []
        told += self._flush(last=True)
        reason = stop(self._last, self._stops, called="tool" in self._said, refused="refusal" in self._said)
        told.append(_event("message_delta", {"delta": told_at_last(*reason), "usage": usage_of(self._usage)}))
        return b"".join([*told, _event("message_stop", {})])

    def broken(self, error: dict[str, Any]) -> bytes:
        """Tell that it has broken off."""
        return b"event: error\ndata: " + orjson.dumps(envelope(kind_of(error), error)) + b"\n\n"

    def _begin(self, chunk: Mapping[str, Any]) -> bytes:
        self._id = str(chunk.get("id") or "")
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": str(chunk.get("model") or ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(self._usage),
        }
        return _event("message_start", {"message": message})

    def _take(self, delta: Mapping[str, Any]) -> None:
        """Put what has come to the blocks that it belongs to."""
        if self._thinks and (thought := reasoning_of(delta)):
            self._grow("thinking", thought)
        if text := text_of(delta.get("content")):
            self._grow("text", text)
        if refusal := text_of(delta.get("refusal")):
            self._grow("refusal", refusal)
        for position, call in enumerate(calls_of(delta)):
            self._call(position, call)

    def _grow(self, kind: str, text: str) -> None:
        """Add to the last block, or begin another."""
        if not self._blocks or self._blocks[-1].kind != kind:
            self._blocks.append(_Block(kind))
            self._said.add(kind)
        self._blocks[-1].waiting.append(text)

    def _call(self, position: int, call: Mapping[str, Any]) -> None:
        """Add to a call of a tool, or begin another."""
        function = an_object(call.get("function"))
        name, arguments = str(function.get("name") or ""), _written(function.get("arguments"))
        index = index_of(call, position)
        block = self._calls.get(index)
        if block is None or _another(block, call, name):
            block = self._calls[index] = _Block("tool", self._tools)
            self._tools += 1
            self._blocks.append(block)
            self._said.add("tool")
        if not block.opened:
            block.id = call.get("id") or block.id
            block.name += name
        if arguments:
            block.waiting.append(arguments)
            block.arguments.append(arguments)

    def _flush(self, *, last: bool = False) -> list[bytes]:
        """Tell what need not wait; `last`: nothing does."""
        told: list[bytes] = []
        while self._blocks:
            block = self._blocks[0]
            followed = last or len(self._blocks) > 1
            if not block.opened:
                if block.kind == "tool" and not block.waiting and not followed:
                    break  # its name may come in pieces
                told.append(self._open(block))
            if block.waiting:
                kind, name = _DELTAS[block.kind]
                delta = {"type": kind, name: "".join(block.waiting)}
                told.append(_event("content_block_delta", {"index": self._index, "delta": delta}))
                block.waiting.clear()
            if not followed or not (last or block.complete):
                break
            told.append(_event("content_block_stop", {"index": self._index}))
            self._blocks.popleft()
            self._index += 1
        return told

    def _open(self, block: _Block) -> bytes:
        block.opened = True
        begun = _STARTS.get(block.kind)
        if begun is None:
            named = call_id(block.id, self._id or "", block.position)
            begun = {"type": "tool_use", "id": named, "name": block.name, "input": {}}
        return _event("content_block_start", {"index": self._index, "content_block": begun})


def _another(block: _Block, call: Mapping[str, Any], name: str) -> bool:
    """Whether a call is another one than this, though nothing in its index says so: some upstreams count no calls.

    Nor is a name alone a sign of it, which may come in pieces, nor an id, which some make up for each piece.
    """
    given, counted = call.get("id"), isinstance(call.get("index"), int)
    if not name:
        return False
    if given and block.id:
        return bool(given != block.id) and (not counted or block.complete)
    return not counted and block.complete


def _is_object(pieces: Sequence[str]) -> bool:
    """Whether these, together, are a JSON object; most often the last one shows that they are not."""
    if not pieces[-1].rstrip().endswith("}"):
        return False
    try:
        return isinstance(orjson.loads("".join(pieces)), dict)
    except orjson.JSONDecodeError:
        return False


def _written(arguments: object) -> str:
    """Arguments as text; some upstreams send an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else orjson.dumps(arguments).decode()


def _event(kind: str, told: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **told}) + b"\n\n"
