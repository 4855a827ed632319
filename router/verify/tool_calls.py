"""`tool_calls`: can a program carry out the calls that the answer makes?

What makes a call good is in the request: which tools there are, what their parameters look like, and what `tool_choice`
and `parallel_tool_calls` ask for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.verify.json_format import unreadable
from router.verify.prefix import JsonPrefix
from router.verify.schemas import Schema, ready
from router.verify.verdict import Check, Watch, cut

__all__ = ["ToolCalls"]

_LEAKS = ("<tool_call", "<function=", "<|python_tag|>", "[TOOL_CALLS]", "<function_call", "<|tool_call")
"""How a call begins that the model wrote as text, because its template or its server missed it."""
_NO_PARAMETERS = {"type": "object"}


class ToolCalls(Check):
    """Escalates calls nobody can carry out, and calls that `tool_choice` did not ask for."""

    name = "tool_calls"
    reasons: ClassVar[tuple[str, ...]] = (
        "no_call",
        "unwanted_call",
        "call_as_text",
        "too_many_calls",
        "unknown_tool",
        "broken_call",
        "bad_arguments",
        "arguments_schema",
    )
    hard: ClassVar[frozenset[str]] = frozenset(reasons)

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        asked = _Asked.read(request)
        if not choice.tool_calls:
            return None if choice.refusal or cut(choice, request) else asked.without_calls(choice)
        if asked.most is not None and len(choice.tool_calls) > asked.most:
            return "too_many_calls" if asked.most else "unwanted_call"
        if asked.identified and not _told_apart(choice.tool_calls):
            return "broken_call"
        last = len(choice.tool_calls) - 1
        for position, call in enumerate(choice.tool_calls):
            unfinished = position == last and cut(choice, request)
            if (reason := asked.judge(call, unfinished=unfinished)) is not None:
                return reason
        return None

    @override
    def watch(self, request: ChatRequest) -> Watch:
        return Watch(call=_Following(_Asked.read(request)).feed)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request says about calls."""

    tools: Mapping[str, Mapping[str, Any]]
    """What is declared, by name; `parameters` is missing for a tool that takes any text."""
    allowed: frozenset[str] | None
    """The tools that `tool_choice` names; None: any."""
    required: bool
    most: int | None
    identified: bool
    """Whether calls have ids: all but those of the `function_call` that came before them."""

    @classmethod
    def read(cls, request: ChatRequest) -> "_Asked":
        body = request.body
        tools: dict[str, Mapping[str, Any]] = {}
        for tool in body.get("tools") or ():
            kind = "custom" if tool.get("type") == "custom" else "function"
            declared = tool.get(kind)
            if isinstance(declared, Mapping) and isinstance(declared.get("name"), str):
                tools[declared["name"]] = {"parameters": _NO_PARAMETERS, **declared} if kind == "function" else {}
        functions = body.get("functions")
        for function in functions if isinstance(functions, list) else ():
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                tools[function["name"]] = {"parameters": _NO_PARAMETERS, **function}
        allowed, required = _choice(body.get("tool_choice", body.get("function_call")))
        most = 1 if body.get("parallel_tool_calls") is False else None
        if allowed is not None and not allowed:
            most = 0
        return cls(tools, allowed, required, most, identified=bool(body.get("tools")))

    def without_calls(self, choice: Choice) -> str | None:
        """What is wrong with an answer that calls nothing."""
        if self.required or choice.finish_reason in {"tool_calls", "function_call"}:
            return "no_call"
        return "call_as_text" if self.tools and choice.content.lstrip().startswith(_LEAKS) else None

    def names(self, name: str) -> bool:
        """Whether a tool of this name may be called."""
        return name in self.tools and (self.allowed is None or name in self.allowed)

    def schema(self, name: str) -> Schema | None:
        """What arguments must be; None for a tool that takes any text."""
        parameters = self.tools[name].get("parameters")
        return None if parameters is None else ready(parameters or _NO_PARAMETERS)

    def judge(self, call: Mapping[str, Any], *, unfinished: bool) -> str | None:
        """What is wrong with one call."""
        function = call.get("function") or call.get("custom") or call
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(name, str) or not self.names(name):
            return "unknown_tool"
        if (schema := self.schema(name)) is None:
            return None
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            return "bad_arguments"
        try:
            value = orjson.loads(arguments)
            return None if isinstance(value, dict) and schema.accepts(value) else "arguments_schema"
        except orjson.JSONDecodeError:
            return _broken(unreadable(arguments, schema.shape, "arguments_schema", unfinished=unfinished))


def _choice(choice: object) -> tuple[frozenset[str] | None, bool]:
    """Which tools `tool_choice` allows (None: all that are declared), and whether one must be called."""
    match choice:
        case "none":
            return frozenset(), False
        case "required":
            return None, True
        case {"allowed_tools": {"tools": [*tools], **more}}:
            named = [_name(tool) for tool in tools]
            return frozenset(name for name in named if name is not None), more.get("mode") == "required"
        case Mapping() if (name := _name(choice)) is not None:
            return frozenset({name}), True
        case _:
            return None, False


def _name(tool: object) -> str | None:
    """The name in `{type: function, function: {name}}`, `{type: custom, custom: {name}}` or `{name}`."""
    match tool:
        case {"function": {"name": str(name)}} | {"custom": {"name": str(name)}} | {"name": str(name)}:
            return name
        case _:
            return None


def _told_apart(calls: tuple[Mapping[str, Any], ...]) -> bool:
    """Whether every call has an id of its own, so that its result can be given back."""
    ids = [call.get("id") for call in calls]
    return all(isinstance(one, str) and one for one in ids) and len(set(ids)) == len(ids)


def _broken(reason: str | None) -> str | None:
    return reason if reason in {None, "arguments_schema"} else "bad_arguments"


class _Following:
    """Follows the calls of one choice: a name is known once its arguments begin."""

    __slots__ = ("_arguments", "_asked", "_names")

    def __init__(self, asked: _Asked) -> None:
        self._asked = asked
        self._names: dict[int, str] = {}
        self._arguments: dict[int, JsonPrefix | None] = {}

    def feed(self, index: int, call: Mapping[str, Any]) -> str | None:
        function = call.get("function")
        if not function:
            return None
        arguments = function.get("arguments")
        if name := function.get("name"):
            self._names[index] = self._names.get(index, "") + name
            if index in self._arguments:
                return "unknown_tool"  # a second name behind the first one's arguments: two calls in one
        if not arguments:
            return None
        if index not in self._arguments and (reason := self._begin(index)) is not None:
            return reason
        prefix = self._arguments[index]
        return None if prefix is None else _broken(prefix.feed(arguments))

    def _begin(self, index: int) -> str | None:
        """A call whose arguments begin: is it one that may be made?"""
        most = self._asked.most
        if most is not None and len(self._arguments) >= most:
            return "too_many_calls" if most else "unwanted_call"
        name = self._names.get(index, "")
        if not self._asked.names(name):
            return "unknown_tool"
        schema = self._asked.schema(name)
        self._arguments[index] = None if schema is None else JsonPrefix(schema.shape, "arguments_schema")
        return None
