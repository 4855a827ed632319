"""The `input` of a Responses request as the messages of a chat completion.

An item is a message, a call or a call's output. Calls that follow one another, and what the assistant said next to
them, are one message to chat completions, and so is what it said before and after it had thought. Reasoning items are
left out: a chat completion has no place for them.
"""

from collections.abc import Mapping
from typing import Any

from router.chat import wrong_type
from router.dialects.responses_fields import empty, missing, objects, string, unknown, unsupported
from router.errors import BadRequest

__all__ = ["messages"]

_ROLES = frozenset({"assistant", "developer", "system", "user"})
_CALLS: Mapping[str, tuple[str, str]] = {
    "custom_tool_call": ("custom", "input"),
    "function_call": ("function", "arguments"),
}
"""What chat completions call them, and where a call says what it is called with."""
_OUTPUTS = frozenset({"custom_tool_call_output", "function_call_output"})
_TEXTS = frozenset({"input_text", "output_text"})
_PARTS = frozenset({"input_audio", "input_file", "input_image", "input_text", "output_text", "refusal"})
_BREAKPOINT = "prompt_cache_breakpoint"
_STORES_NOTHING = "this proxy stores nothing"


def messages(given: object) -> list[dict[str, Any]]:
    """The messages that say what `input` says.

    Raises:
        BadRequest: there is no input, or something in it that a chat completion cannot say.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if given is None:
        raise missing("input")
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array of objects", given)
    talk = _Talk()
    for i, item in enumerate(objects(given, "input")):
        talk.add(item, f"input[{i}]")
    if not talk.messages:
        raise empty("input", "an array with at least one message")
    return talk.messages


class _Talk:
    """A conversation while it is read."""

    __slots__ = ("_calls", "_thought", "messages")

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._calls: set[str] = set()
        self._thought = False
        """Whether the last item was reasoning: what stands around it was one answer."""

    def add(self, item: Mapping[str, Any], where: str) -> None:
        """Take the next item."""
        kind = _kind(item, where)
        if kind == "message":
            self._message(item, where)
        elif kind in _CALLS:
            self._call(item, kind, where)
        elif kind in _OUTPUTS:
            self._output(item, where)
        elif kind != "reasoning":
            raise _refused(kind, where)
        self._thought = kind == "reasoning"

    def _message(self, item: Mapping[str, Any], where: str) -> None:
        role, content = string(item, "role", where), item.get("content")
        if role not in _ROLES:
            raise unknown(f"{where}.role", role, _ROLES)
        if isinstance(content, str):
            message: dict[str, Any] = {"role": role, "content": content}
        elif isinstance(content, list):
            parts = objects(content, f"{where}.content")
            assistant = role == "assistant"
            message = (
                _spoken(parts, where) if assistant else {"role": role, "content": _content(parts, f"{where}.content")}
            )
        else:
            raise wrong_type(f"{where}.content", "a string or an array of objects", content)
        last = self._assistant() if role == "assistant" else None
        if last is not None and ("tool_calls" in last or self._thought):
            _add(message, last)  # said beside its calls: results have to come next
        else:
            self.messages.append(message)

    def _call(self, item: Mapping[str, Any], kind: str, where: str) -> None:
        call_id, (tool, given) = string(item, "call_id", where), _CALLS[kind]
        declared = {"name": string(item, "name", where), given: string(item, given, where)}
        call = {"id": call_id, "type": tool, tool: declared}
        self._calls.add(call_id)
        if (last := self._assistant()) is None:
            self.messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        else:
            last.setdefault("tool_calls", []).append(call)

    def _output(self, item: Mapping[str, Any], where: str) -> None:
        call_id, output = string(item, "call_id", where), item.get("output")
        if call_id not in self._calls:
            message = (
                f"No tool call found for the output of '{call_id}' in {where}: {_STORES_NOTHING}, "
                "so send the call's item too, before its output."
            )
            raise BadRequest(message, param=f"{where}.call_id", code="invalid_value")
        if isinstance(output, list):
            parts = objects(output, f"{where}.output")
            for i, part in enumerate(parts):
                if string(part, "type", f"{where}.output[{i}]") not in _TEXTS:
                    raise unsupported(
                        f"{where}.output[{i}]",
                        f"{where}.output[{i}] is not text, and a chat completion takes only text from a tool: "
                        "send the rest in a user's message after it.",
                        value=True,
                    )
            output = _content(parts, f"{where}.output")
        elif not isinstance(output, str):
            raise wrong_type(f"{where}.output", "a string or an array of objects", output)
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": output})

    def _assistant(self) -> dict[str, Any] | None:
        """The last message, if the assistant said it."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last["role"] == "assistant" else None


def _kind(item: Mapping[str, Any], where: str) -> str:
    """What an item is; one with a role is a message, and one with an id alone refers to another."""
    kind = item.get("type")
    if isinstance(kind, str):
        return kind
    if kind is not None:
        raise wrong_type(f"{where}.type", "a string", kind)
    if "role" in item:
        return "message"
    if "id" in item:
        return "item_reference"
    raise missing(f"{where}.type")


def _refused(kind: str, where: str) -> BadRequest:
    if kind == "item_reference":
        message = f"{where} refers to a stored item, and {_STORES_NOTHING}: send the item itself."
    else:
        message = (
            f"{where} is of type '{kind}', which a chat completion cannot say. What can be sent are messages, function "
            "calls, custom tool calls and their outputs; leave it out, or say what it brought in a message."
        )
    return unsupported(f"{where}.type", message, value=True)


def _spoken(parts: list[dict[str, Any]], where: str) -> dict[str, Any]:
    """An assistant's message: what it said, and what it refused to."""
    said, refused = [], []
    for i, part in enumerate(parts):
        if part.get("type") == "refusal":
            refused.append(string(part, "refusal", f"{where}.content[{i}]"))
        else:
            said.append(_part(part, f"{where}.content[{i}]"))
    message: dict[str, Any] = {"role": "assistant", "content": _joined(said)}
    return {**message, "content": message["content"] or None, "refusal": "".join(refused)} if refused else message


def _add(message: dict[str, Any], last: dict[str, Any]) -> None:
    """Let the assistant's last message say this, too."""
    before, more = last["content"], message["content"]
    if before and more and not (isinstance(before, str) and isinstance(more, str)):
        last["content"] = [*_parts(before), *_parts(more)]
    else:
        last["content"] = before + more if before and more else before or more
    if "refusal" in message:
        last["refusal"] = last.get("refusal", "") + message["refusal"]


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _content(parts: list[dict[str, Any]], where: str) -> str | list[dict[str, Any]]:
    """The parts of what stands at `where`, as chat completions have them."""
    return _joined([_part(part, f"{where}[{i}]") for i, part in enumerate(parts)])


def _joined(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Parts; one that is only text is just that."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def _part(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = string(part, "type", where)
    if kind in _TEXTS:
        told: dict[str, Any] = {"type": "text", "text": string(part, "text", where)}
    elif kind == "input_image":
        told = {"type": "image_url", "image_url": _image(part, where)}
    elif kind == "input_file":
        told = {"type": "file", "file": _file(part, where)}
    elif kind == "input_audio":
        told = {"type": "input_audio", "input_audio": part.get("input_audio")}
    else:
        raise unknown(f"{where}.type", kind, _PARTS)
    if part.get(_BREAKPOINT) is not None:
        told[_BREAKPOINT] = part[_BREAKPOINT]
    return told


def _image(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    if part.get("image_url") is None and part.get("file_id") is not None:
        message = (
            f"{where} is an image by its file's id, which a chat completion cannot say: send a URL in 'image_url'."
        )
        raise unsupported(f"{where}.file_id", message)
    image = {"url": string(part, "image_url", where)}
    return image if part.get("detail") is None else {**image, "detail": part["detail"]}


def _file(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    if part.get("file_url") is not None:
        message = f"{where} is a file by its address, which a chat completion cannot say: send 'file_data' instead."
        raise unsupported(f"{where}.file_url", message)
    if part.get("detail") is not None and part["detail"] != "auto":
        message = f"{where} asks for a file in another detail, which a chat completion cannot: leave out 'detail'."
        raise unsupported(f"{where}.detail", message)
    file = {name: part[name] for name in ("file_id", "file_data", "filename") if part.get(name) is not None}
    if not file.keys() - {"filename"}:
        raise missing(f"{where}.file_data")
    return file
