"""The items of a response while they grow: each tells its events as it goes, and at any time what it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from router.frozen import frozen

__all__ = ["RAW", "REFUSAL", "SUMMARY", "TEXT", "Call", "Said", "Shape", "Status", "Tell", "words"]

Tell = Callable[[str, Mapping[str, Any]], None]
"""Takes an event's type, and what it says besides."""
Status = Literal["in_progress", "completed", "incomplete"]


@frozen
class Shape:
    """A kind of part, and what its events are called."""

    kind: str
    field: str
    """Where its words are."""
    index: str
    """What events call its number in its item."""
    part: str
    words: str


TEXT: Final = Shape("output_text", "text", "content_index", "response.content_part", "response.output_text")
REFUSAL: Final = Shape("refusal", "refusal", "content_index", "response.content_part", "response.refusal")
RAW: Final = Shape("reasoning_text", "text", "content_index", "response.content_part", "response.reasoning_text")
SUMMARY: Final = Shape(
    "summary_text", "text", "summary_index", "response.reasoning_summary_part", "response.reasoning_summary_text"
)
_THOUGHTS = frozenset({RAW, SUMMARY})
_MESSAGE = {"type": "message", "role": "assistant"}


class _Part:
    """A part of an item: a text, with the log probabilities of its tokens and what it cites."""

    __slots__ = ("_at", "_cited", "_pieces", "_shape", "_tell", "_tokens")

    def __init__(self, shape: Shape, at: Mapping[str, Any], tell: Tell) -> None:
        """`at`: where it stands, as its events say it."""
        self._shape = shape
        self._at = at
        self._tell = tell
        self._pieces: list[str] = []
        self._tokens: list[dict[str, Any]] = []
        self._cited: list[dict[str, Any]] = []
        tell(f"{shape.part}.added", {**at, "part": self.told()})

    def told(self) -> dict[str, Any]:
        """What it is now."""
        part: dict[str, Any] = {"type": self._shape.kind, self._shape.field: "".join(self._pieces)}
        if self._shape is TEXT:
            part |= {"annotations": [*self._cited], "logprobs": [*self._tokens]}
        return part

    def grow(self, text: str, tokens: Sequence[dict[str, Any]]) -> None:
        """Take more of it."""
        self._pieces.append(text)
        self._tokens += tokens
        more = {"logprobs": tokens} if self._shape is TEXT else {}
        self._tell(f"{self._shape.words}.delta", {**self._at, "delta": text, **more})

    def cite(self, annotation: dict[str, Any]) -> None:
        """Take something that its text rests on."""
        number = len(self._cited)
        self._cited.append(annotation)
        fields = {**self._at, "annotation_index": number, "annotation": annotation}
        self._tell("response.output_text.annotation.added", fields)

    def close(self) -> None:
        """Tell that it is complete."""
        part, field = self.told(), self._shape.field
        more = {"logprobs": part["logprobs"]} if self._shape is TEXT else {}
        self._tell(f"{self._shape.words}.done", {**self._at, field: part[field], **more})
        self._tell(f"{self._shape.part}.done", {**self._at, "part": part})


class Said:
    """A message, or the reasoning that came before one: an item of parts, at most one of each shape."""

    __slots__ = ("_at", "_parts", "_tell", "thought")

    def __init__(self, shape: Shape, named: str, index: int, tell: Tell) -> None:
        """`named`: what the response is called; `shape`: of its first part, which says whether it is reasoning."""
        self.thought = shape in _THOUGHTS
        self._at = {"item_id": f"{'rs' if self.thought else 'msg'}_{named}_{index}", "output_index": index}
        self._tell = tell
        self._parts: dict[Shape, _Part] = {}
        tell("response.output_item.added", {"output_index": index, "item": self.told("in_progress")})

    @property
    def written(self) -> bool:
        """Whether it has a text."""
        return TEXT in self._parts

    def told(self, status: Status) -> dict[str, Any]:
        """What it is now."""
        item: dict[str, Any] = {"id": self._at["item_id"], "status": status}
        item |= {"type": "reasoning", "summary": []} if self.thought else _MESSAGE | {"content": []}
        for shape, part in self._parts.items():
            item.setdefault("summary" if shape is SUMMARY else "content", []).append(part.told())
        return item

    def grow(self, shape: Shape, text: str, tokens: Sequence[dict[str, Any]] = ()) -> None:
        """Take more of the part of this shape."""
        if (part := self._parts.get(shape)) is None:
            at = {**self._at, shape.index: len(self._parts)}
            part = self._parts[shape] = _Part(shape, at, self._tell)
        part.grow(text, tokens)

    def cite(self, annotation: dict[str, Any]) -> None:
        """Take something that its text rests on; nothing where it has no text."""
        if (part := self._parts.get(TEXT)) is not None:
            part.cite(annotation)

    def close(self, status: Status) -> None:
        """Tell that nothing is added to it any more."""
        for part in self._parts.values():
            part.close()
        index = self._at["output_index"]
        self._tell("response.output_item.done", {"output_index": index, "item": self.told(status)})


class Call:
    """A call of a function, or of a custom tool; told once it is placed, because its name grows until then."""

    __slots__ = ("_at", "_custom", "_given", "_name", "_tell", "call_id", "given_id")

    def __init__(self, tell: Tell) -> None:
        self.given_id = ""
        """What the upstream calls it."""
        self.call_id = ""
        """What it is called here, once it is placed."""
        self._custom = False
        self._name: list[str] = []
        self._given: list[str] = []
        self._at: dict[str, Any] = {}
        self._tell = tell

    @property
    def placed(self) -> bool:
        """Whether it has been told that it is there."""
        return bool(self._at)

    @property
    def begun(self) -> bool:
        """Whether it is known what it is called with, or at least how that begins."""
        return bool(self._given)

    def precedes(self, part: Mapping[str, Any]) -> bool:
        """Whether a part is another call's, although it says it is this one's: it has an id and a name of its own."""
        other = words(part.get("id"))
        return bool(self.begun and self.given_id and other not in {"", self.given_id} and _declared(part).get("name"))

    def take(self, part: Mapping[str, Any]) -> str:
        """Take a part of it; returns what of it is to be told."""
        self.given_id = self.given_id or words(part.get("id"))
        self._custom |= bool(part.get("custom"))
        declared = _declared(part)
        self._name.append(words(declared.get("name")))
        given = declared.get("input" if self._custom else "arguments")
        text = given if isinstance(given, str) else orjson.dumps(given).decode() if given is not None else ""
        if text:
            self._given.append(text)
        return text

    def place(self, call_id: str, named: str, index: int) -> None:
        """Tell that it is there, and as much as is known of it."""
        self.call_id = call_id
        self._at = {"item_id": f"{'ctc' if self._custom else 'fc'}_{named}_{index}", "output_index": index}
        item = {**self.told("in_progress"), ("input" if self._custom else "arguments"): ""}
        self._tell("response.output_item.added", {"output_index": index, "item": item})
        if self._given:
            self.tell("".join(self._given))

    def tell(self, text: str) -> None:
        """Tell more of what it is called with."""
        self._tell(f"{self._words}.delta", {**self._at, "delta": text})

    @property
    def _words(self) -> str:
        return "response.custom_tool_call_input" if self._custom else "response.function_call_arguments"

    def told(self, status: Status) -> dict[str, Any]:
        """What it is now."""
        name, given = "".join(self._name), "".join(self._given)
        item = {"id": self._at["item_id"], "call_id": self.call_id, "name": name, "status": status}
        if self._custom:
            return {**item, "type": "custom_tool_call", "input": given}
        return {**item, "type": "function_call", "arguments": given}

    def close(self, status: Status) -> None:
        """Tell that nothing is added to it any more."""
        item = self.told(status)
        said = {"input": item["input"]} if self._custom else {"arguments": item["arguments"], "name": item["name"]}
        self._tell(f"{self._words}.done", {**self._at, **said})
        self._tell("response.output_item.done", {"output_index": self._at["output_index"], "item": item})


def words(said: object) -> str:
    """What was said as text, if it was, whole or in parts."""
    if isinstance(said, list):
        parts = (part.get("text") for part in said if isinstance(part, Mapping))
        return "".join(part for part in parts if isinstance(part, str))
    return said if isinstance(said, str) else ""


def _declared(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The name and the arguments in a part of a call."""
    declared = part.get("custom") or part.get("function")
    return declared if isinstance(declared, Mapping) else {}
