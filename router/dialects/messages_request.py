"""A request of Anthropic's Messages API as the body of a chat completion."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from router.dialects.messages_content import conversation, instructions
from router.dialects.messages_reading import missing, named, optional, refused, required, wrong

__all__ = ["chat_body", "stops", "thinks"]

_CALLED_ALIKE = ("temperature", "top_p", "top_k")
_READ = frozenset(
    {
        *("model", "max_tokens", "messages", "system", "stop_sequences", "stream", "tools", "tool_choice", "metadata"),
        *("thinking", "output_config", "output_format", *_CALLED_ALIKE),
    }
)
_LEFT_OUT = frozenset({"cache_control", "context_management", "diagnostics", "service_tier", "speed"})
"""What makes no difference to what is said: how fast, at what price, and what is told about it."""
_REFUSED = {
    "container": "Anthropic's containers do not exist here; leave it out",
    "inference_geo": "where a request may go is a rule of the policy here (`require`); leave it out",
    "thread": "nothing is stored here; send the whole conversation (with Anthropic's tool runner: `thread=False`)",
    "mcp_servers": "MCP servers are not called from here; call them yourself and give their tools in `tools`",
}
_CODES = {"thread": "thread_unsupported_request"}
"""What Anthropic's own clients know how to go on from, without it."""
_UNKNOWN = "this field of the Messages API is not known here, so what it asks for would not happen; leave it out"
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_THINKING = {"enabled": True, "adaptive": True, "between_tools": True, "disabled": False}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_LONGEST_USER = 64
"""Characters of `user` that OpenAI takes."""


def chat_body(body: Mapping[str, Any], *, counting: bool = False) -> dict[str, Any]:
    """Say all of a request as a chat completion's body; `counting`: it only asks how many tokens it has.

    Raises:
        BadRequest: it is wrong, or asks for what a chat completion cannot express.
    """
    for name, value in body.items():
        if name in _REFUSED and value not in (None, []):
            raise refused(name, _REFUSED[name], _CODES.get(name))
        if value is not None and name not in _READ and name not in _LEFT_OUT and name not in _REFUSED:
            raise refused(name, _UNKNOWN)
    asked: dict[str, Any] = {"model": required(body, "model", str)}
    system = instructions(body["system"]) if body.get("system") is not None else ""
    messages = conversation(required(body, "messages", list))
    asked["messages"] = [{"role": "system", "content": system}, *messages] if system else messages
    if not counting:
        asked["max_tokens"] = _most(body)
    asked |= {name: value for name in _CALLED_ALIKE if (value := _number(body, name)) is not None}
    if stopping := stops(body):
        asked["stop"] = [*stopping]
    asked |= _tools(body) | _output(body) | _metadata(body)
    if optional(body, "stream", bool):
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return asked


def stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts at which an answer is to stop.

    Raises:
        BadRequest: it is not an array of strings.
    """
    given = optional(body, "stop_sequences", list) or []
    for i, each in enumerate(given):
        if not isinstance(each, str):
            raise wrong(f"stop_sequences.{i}", "a string", each)
    return tuple(given)


def thinks(body: Mapping[str, Any]) -> bool:
    """Whether a model's reasoning is to be shown, where it has any.

    Raises:
        BadRequest: `thinking` is something else.
    """
    thinking = optional(body, "thinking", dict)
    if thinking is None:
        return False
    kind = required(thinking, "type", str, "thinking")
    if kind not in _THINKING:
        raise refused("thinking.type", f"it is one of {', '.join(_THINKING)}, not '{kind}'")
    return _THINKING[kind] and thinking.get("display") != "omitted"


def _most(body: Mapping[str, Any]) -> int:
    most = required(body, "max_tokens", int)
    if most < 1:
        raise refused("max_tokens", "it has to be at least 1; prompt caches are not filled ahead from here")
    return most


def _number(body: Mapping[str, Any], name: str) -> int | float | None:
    value: int | float | None = body.get(name)
    if value is not None and type(value) not in {int, float}:
        raise wrong(name, "a number", value)
    return value


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    """The tools and which of them to take."""
    tools = [_tool(tool, f"tools.{i}") for i, tool in enumerate(optional(body, "tools", list) or ())]
    chosen = optional(body, "tool_choice", dict)
    asked: dict[str, Any] = {"tools": tools} if tools else {}
    if chosen is None:
        return asked
    kind = required(chosen, "type", str, "tool_choice")
    if kind == "tool":
        name = required(chosen, "name", str, "tool_choice")
        choice: object = {"type": "function", "function": {"name": name}}
    elif kind in _CHOICES:
        choice = _CHOICES[kind]
    else:
        raise refused("tool_choice.type", f"it is one of auto, any, tool, none, not '{kind}'")
    if tools:
        asked["tool_choice"] = choice
        if optional(chosen, "disable_parallel_tool_use", bool, "tool_choice"):
            asked["parallel_tool_calls"] = False
    elif kind in {"any", "tool"}:
        raise missing("tools")
    return asked


def _tool(tool: object, where: str) -> dict[str, Any]:
    """One tool as a function."""
    if not isinstance(tool, dict):
        raise wrong(where, "an object", tool)
    kind = optional(tool, "type", str, where) or "custom"
    if kind != "custom":
        told = f"'{kind}' is a tool of Anthropic's own, which others do not have; describe yours by an input_schema"
        raise refused(where, told)
    function: dict[str, Any] = {"name": required(tool, "name", str, where)}
    described = optional(tool, "description", str, where) or ""
    if examples := optional(tool, "input_examples", list, where):
        shown = [_json(example, named(where, "input_examples")) for example in examples]
        described = "\n".join([*([described, ""] if described else []), "Examples of its input:", *shown])
    if described:
        function["description"] = described
    function["parameters"] = required(tool, "input_schema", dict, where)
    if optional(tool, "strict", bool, where):
        function["strict"] = True
    return {"type": "function", "function": function}


def _json(value: object, where: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise refused(where, "it is nested too deeply") from error


def _output(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the answer should look like, and how much effort it is worth."""
    config = optional(body, "output_config", dict) or {}
    for name in config:
        if name not in {"effort", "format"}:
            raise refused(f"output_config.{name}", _UNKNOWN)
    asked: dict[str, Any] = {}
    if (effort := optional(config, "effort", str, "output_config")) is not None:
        if effort not in _EFFORTS:
            raise refused("output_config.effort", f"it is one of {', '.join(_EFFORTS)}, not '{effort}'")
        asked["reasoning_effort"] = _EFFORTS[effort]
    wanted, where = optional(config, "format", dict, "output_config"), "output_config.format"
    if wanted is None:
        wanted, where = optional(body, "output_format", dict), "output_format"
    if wanted is None:
        return asked
    if (kind := required(wanted, "type", str, where)) != "json_schema":
        raise refused(f"{where}.type", f"it has to be 'json_schema', not '{kind}'")
    schema = required(wanted, "schema", dict, where)
    described = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
    return {**asked, "response_format": {"type": "json_schema", "json_schema": described}}


def _is_strict(schema: dict[str, Any]) -> bool:
    """Whether OpenAI would hold a model to it: every object in it closed, and every property required.

    With `strict`, it refuses any other schema; without, it does its best, and the check `json_schema` does the rest.
    """
    left: list[Any] = [schema]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            properties, needed = part.get("properties"), part.get("required")
            if isinstance(properties, dict) and (
                part.get("additionalProperties") is not False
                or not isinstance(needed, list)
                or any(name not in needed for name in properties)
            ):
                return False
            left += part.values()
        elif isinstance(part, list):
            left += part
    return True


def _metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    """Whom it is for; whatever else there is goes where rules and prompts look for it."""
    metadata = dict(optional(body, "metadata", dict) or {})
    user = optional(metadata, "user_id", str, "metadata")
    metadata.pop("user_id", None)
    asked: dict[str, Any] = {"metadata": metadata} if metadata else {}
    if user:
        short = len(user) <= _LONGEST_USER
        asked["user"] = user if short else blake2b(user.encode(errors="replace"), digest_size=16).hexdigest()
    return asked
