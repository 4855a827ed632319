"""The tools of a Responses request, and which of them are to be called, as chat completions say it."""

from collections.abc import Mapping
from typing import Any

from router.chat import wrong_type
from router.dialects.responses_fields import missing, objects, string, unknown, unsupported
from router.errors import BadRequest

__all__ = ["choice", "tools"]

_FUNCTION = ("name", "description", "parameters", "strict")
_CUSTOM = ("name", "description")
_OURS = frozenset({"custom", "function"})
_MODES = frozenset({"auto", "none", "required"})


def tools(given: object) -> list[dict[str, Any]]:
    """The tools as chat completions declare them.

    Raises:
        BadRequest: one is not a function or a custom tool, or not declared as one.
    """
    return [_tool(tool, f"tools[{i}]") for i, tool in enumerate(objects(given, "tools"))]


def _tool(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = string(tool, "type", where)
    if kind not in _OURS:
        raise _foreign(f"{where}.type", kind)
    if isinstance(tool.get(kind), dict) and "name" not in tool:
        message = f"Missing required parameter: '{where}.name'. Here it stands in the tool itself, not in its '{kind}'."
        raise BadRequest(message, param=f"{where}.name", code="missing_required_parameter")
    string(tool, "name", where)
    if kind == "function":
        return {"type": kind, kind: {name: tool[name] for name in _FUNCTION if tool.get(name) is not None}}
    custom = {name: tool[name] for name in _CUSTOM if tool.get(name) is not None}
    if (form := tool.get("format")) is not None:
        custom["format"] = _format(form, f"{where}.format")
    return {"type": kind, kind: custom}


def _format(form: object, where: str) -> dict[str, Any]:
    """What a custom tool's input has to look like."""
    if not isinstance(form, dict):
        raise wrong_type(where, "an object", form)
    if form.get("type") != "grammar":
        return form
    return {"type": "grammar", "grammar": {name: string(form, name, where) for name in ("definition", "syntax")}}


def _foreign(where: str, kind: str) -> BadRequest:
    message = (
        f"'{kind}' is a tool that OpenAI carries out, and this proxy carries out none: "
        "take it out, or offer what it does as a function of your own."
    )
    return unsupported(where, message, value=True)


def choice(given: object) -> str | dict[str, Any]:
    """The `tool_choice` of a chat completion.

    Raises:
        BadRequest: it is none that chat completions know.
    """
    if isinstance(given, str):
        if given not in _MODES:
            raise unknown("tool_choice", given, _MODES)
        return given
    if not isinstance(given, dict):
        raise wrong_type("tool_choice", "a string or an object", given)
    if string(given, "type", "tool_choice") != "allowed_tools":
        return _named(given, "tool_choice")
    if given.get("tools") is None:
        raise missing("tool_choice.tools")
    allowed = objects(given["tools"], "tool_choice.tools")
    named = [_named(tool, f"tool_choice.tools[{i}]") for i, tool in enumerate(allowed)]
    return {"type": "allowed_tools", "allowed_tools": {"mode": given.get("mode") or "auto", "tools": named}}


def _named(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A tool by its name."""
    kind = string(tool, "type", where)
    if kind not in _OURS:
        raise _foreign(f"{where}.type", kind)
    return {"type": kind, kind: {"name": string(tool, "name", where)}}
