"""A Responses request as a chat completion: every field is said in other words, refused, or does not matter."""

from collections.abc import Mapping
from typing import Any

from router.chat import wrong_type
from router.dialects.responses_fields import missing, string, unknown, unsupported
from router.dialects.responses_input import messages
from router.dialects.responses_tools import choice, tools
from router.errors import BadRequest

__all__ = ["chat_body"]

_NUMBER = ((int, float), "a number")
_INTEGER = ((int,), "an integer")
_BOOLEAN = ((bool,), "a boolean")
_STRING = ((str,), "a string")
_OBJECT = ((dict,), "an object")
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "background": _BOOLEAN,
    "include": ((list,), "an array of strings"),
    "instructions": _STRING,
    "max_output_tokens": _INTEGER,
    "max_tool_calls": _INTEGER,
    "metadata": _OBJECT,
    "model": _STRING,
    "parallel_tool_calls": _BOOLEAN,
    "prompt_cache_key": _STRING,
    "reasoning": _OBJECT,
    "safety_identifier": _STRING,
    "service_tier": _STRING,
    "store": _BOOLEAN,
    "stream": _BOOLEAN,
    "stream_options": _OBJECT,
    "temperature": _NUMBER,
    "text": _OBJECT,
    "tools": ((list,), "an array of objects"),
    "top_logprobs": _INTEGER,
    "top_p": _NUMBER,
    "truncation": _STRING,
    "user": _STRING,
}
_ALL = "send the whole conversation in 'input'"
_REFUSED: Mapping[str, str] = {
    "audio": "'audio' is not supported: a response is text here.",
    "background": "'background' is not supported, because this proxy stores nothing: leave it out, and stream.",
    "conversation": f"'conversation' is not supported, because this proxy stores nothing: {_ALL}.",
    "modalities": "'modalities' is not supported: a response is text here.",
    "moderation": "'moderation' is not supported: ask for it at its own endpoint.",
    "n": "'n' is not supported: a response is one answer; send the request several times.",
    "previous_response_id": f"'previous_response_id' is not supported, because this proxy stores nothing: {_ALL}.",
    "prompt": "'prompt' is not supported, because templates are stored at OpenAI: send 'instructions' and 'input'.",
}
_HARMLESS: Mapping[str, Any] = {"background": False, "modalities": ["text"], "n": 1}
"""What does not ask for what is refused."""
_MOVED: Mapping[str, str] = {
    "function_call": "tool_choice",
    "functions": "tools",
    "logprobs": "include",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}
"""What chat completions call something, and what it is here."""
_SAID = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "stream",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
"""Fields that are said in other words."""
_WITHOUT = frozenset({"context_management", "max_tool_calls", "store", "stream_options", "truncation"})
"""Fields that change nothing of an answer: docs/responses.md says why of each."""
_LOGPROBS = "message.output_text.logprobs"
_INCLUDED = frozenset(
    {
        _LOGPROBS,
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)
_WITHIN: Mapping[str, Mapping[str, frozenset[str] | None]] = {
    "reasoning": {
        "context": frozenset({"auto", "current_turn"}),
        "effort": None,
        "generate_summary": None,
        "mode": frozenset({"standard"}),
        "summary": None,
    },
    "text": {"format": None, "verbosity": None},
}
"""The fields of fields: what each may be; None: anything, or what is looked at later."""
_FORMATS = frozenset({"json_object", "json_schema", "text"})
_SCHEMA = ("name", "description", "schema", "strict")


def chat_body(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the chat completion that says what this request says.

    Raises:
        BadRequest: it is wrong, or says what a chat completion cannot.
    """
    for name, value in asked.items():
        _check(name, value)
    if asked.get("model") is None:
        raise missing("model")
    talk = messages(asked.get("input"))
    if asked.get("instructions") is not None:
        talk = [{"role": "system", "content": asked["instructions"]}, *talk]
    body: dict[str, Any] = {"model": asked["model"], "messages": talk}
    body |= {
        name: value
        for name, value in asked.items()
        if value is not None and name not in _SAID and name not in _WITHOUT and name not in _REFUSED
    }
    if asked.get("stream"):
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if asked.get("max_output_tokens") is not None:
        body["max_completion_tokens"] = asked["max_output_tokens"]
    body |= _tools(asked)
    if (effort := (asked.get("reasoning") or {}).get("effort")) is not None:
        body["reasoning_effort"] = effort
    return body | _text(asked.get("text") or {}) | _logprobs(asked)


def _check(name: str, value: object) -> None:
    """Raises BadRequest where a field is of the wrong type, or asks for what there is not."""
    if value is None:
        return
    if (known := _TYPES.get(name)) is not None and type(value) not in known[0]:
        raise wrong_type(name, known[1], value)
    if name in _MOVED:
        message = f"'{name}' is a field of chat completions: in a response it is '{_MOVED[name]}'."
        raise BadRequest(message, param=name, code="unsupported_parameter")
    if name in _REFUSED and (name not in _HARMLESS or value != _HARMLESS[name]):
        raise unsupported(name, _REFUSED[name])
    if name in _WITHIN and isinstance(value, dict):
        _check_within(name, value)


def _check_within(name: str, fields: Mapping[str, Any]) -> None:
    """Raises BadRequest where a field in this field asks for what a chat completion cannot say."""
    for inner, value in fields.items():
        allowed = _WITHIN[name].get(inner, frozenset())
        if value is not None and allowed is not None and value not in list(allowed):
            message = f"'{name}.{inner}' is not supported: a chat completion cannot say it; leave it out."
            raise unsupported(f"{name}.{inner}", message)


def _tools(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The tools, and how they are to be called; without any, most upstreams refuse to be told how."""
    chosen, declared = asked.get("tool_choice"), asked.get("tools")
    body: dict[str, Any] = {} if chosen is None else {"tool_choice": choice(chosen)}
    if declared:
        body["tools"] = tools(declared)
        if asked.get("parallel_tool_calls") is not None:
            body["parallel_tool_calls"] = asked["parallel_tool_calls"]
    elif isinstance(chosen, str) and chosen != "required":
        return {}
    return body


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    """What a text has to look like, and how long it may be."""
    body: dict[str, Any] = {}
    if text.get("verbosity") is not None:
        body["verbosity"] = text["verbosity"]
    if (form := text.get("format")) is None:
        return body
    if not isinstance(form, dict):
        raise wrong_type("text.format", "an object", form)
    kind = string(form, "type", "text.format")
    if kind not in _FORMATS:
        raise unknown("text.format.type", kind, _FORMATS)
    if kind == "json_schema":
        string(form, "name", "text.format")
        schema = {name: form[name] for name in _SCHEMA if form.get(name) is not None}
        body["response_format"] = {"type": kind, kind: schema}
    elif kind == "json_object":
        body["response_format"] = {"type": kind}
    return body


def _logprobs(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Log probabilities, where they are to be included, or so many of them are asked for."""
    included = asked.get("include") or ()
    for i, each in enumerate(included):
        if not isinstance(each, str) or each not in _INCLUDED:
            raise unknown(f"include[{i}]", each, _INCLUDED)
    top = asked.get("top_logprobs")
    if not top and _LOGPROBS not in included:
        return {}
    return {"logprobs": True} if top is None else {"logprobs": True, "top_logprobs": top}
