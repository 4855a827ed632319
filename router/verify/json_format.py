"""`json_object` and `json_schema`: is the answer the JSON that was asked for?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.verify.prefix import JsonPrefix
from router.verify.schemas import Schema, ready
from router.verify.shapes import Shape
from router.verify.verdict import Check, Watch, cut

__all__ = ["JsonObject", "JsonSchema", "unreadable"]

_OBJECT = Schema(lambda value: isinstance(value, dict), Shape(kinds=frozenset({"object"})))
_ANY = Schema(lambda _: True, None)
_EXAMINED = 16 * 1024
"""Characters of a broken answer in which a better name for what is wrong is looked for: that takes 0.2 ms a KB."""


def unreadable(text: str, shape: Shape | None, misfit: str, *, unfinished: bool = False) -> str | None:
    """Why a text is not the JSON it should be, in a breaking stream's words; None when it is only unfinished."""
    if unfinished:
        return JsonPrefix(shape, misfit).feed(text)
    return JsonPrefix(shape, misfit).feed(text[:_EXAMINED]) or "not_json"


class _Format(Check):
    """What both have in common: a format, the client's or else the one the tier imposes, and JSON held against it."""

    hard: ClassVar[frozenset[str]] = frozenset({"fenced", "not_json", "not_object", "schema"})

    def __init__(self, imposed: object = None) -> None:
        self._imposed = imposed

    def _wanted(self, request: ChatRequest) -> tuple[Schema, str] | None:
        """What the answer must fit, and the reason when it does not; None where any text will do."""
        raise NotImplementedError

    def _format(self, request: ChatRequest) -> Mapping[str, Any]:
        asked = request.body.get("response_format", self._imposed)
        return asked if isinstance(asked, Mapping) else {}

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        if choice.tool_calls or choice.refusal or (wanted := self._wanted(request)) is None:
            return None
        schema, misfit = wanted
        try:
            return None if schema.accepts(orjson.loads(choice.content)) else misfit
        except orjson.JSONDecodeError:
            return unreadable(choice.content, schema.shape, misfit, unfinished=cut(choice, request))

    @override
    def watch(self, request: ChatRequest) -> Watch | None:
        """A request with tools may still get a call after the first words, so there only the end can tell."""
        if request.body.get("tools") or request.body.get("functions") or (wanted := self._wanted(request)) is None:
            return None
        return Watch(text=JsonPrefix(wanted[0].shape, wanted[1]).feed)


class JsonObject(_Format):
    """Where a format asks for JSON, escalates what is none: fenced (`fenced`), other text (`not_json`), no object."""

    name = "json_object"
    reasons: ClassVar[tuple[str, ...]] = ("fenced", "not_json", "not_object")

    @override
    def _wanted(self, request: ChatRequest) -> tuple[Schema, str] | None:
        match self._format(request).get("type"):
            case "json_object":
                return _OBJECT, "not_object"
            case "json_schema":
                return _ANY, "not_object"
            case _:
                return None


class JsonSchema(_Format):
    """As `json_object`, and escalates JSON that does not fit the schema asked for (`schema`)."""

    name = "json_schema"
    reasons: ClassVar[tuple[str, ...]] = ("fenced", "not_json", "not_object", "schema")

    @override
    def _wanted(self, request: ChatRequest) -> tuple[Schema, str] | None:
        match self._format(request):
            case {"type": "json_object"}:
                return _OBJECT, "not_object"
            case {"type": "json_schema", "json_schema": {"schema": schema}}:
                return ready(schema), "schema"
            case {"type": "json_schema"}:
                return _ANY, "not_object"
            case _:
                return None
