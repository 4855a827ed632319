"""A conversation from one request to the next: which one it is, where it stays, and which of its words are whose.

A model's hidden reasoning, the signatures on it and the ids of its tool calls mean something to that model alone:
another one refuses them, or is misled. So whatever is not known to be a model's own is taken out before it is asked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from router.frozen import frozen

__all__ = ["Pin", "Session", "answers_call", "continued", "mark", "own", "thread", "turns"]

_INSTRUCTIONS = frozenset({"system", "developer"})
_RESULTS = frozenset({"tool", "function"})
_HIDDEN = frozenset(
    {
        *("reasoning", "reasoning_content", "reasoning_details", "thinking", "thinking_blocks"),
        *("signature", "thought_signature", "encrypted_content", "provider_specific_fields", "extra_content"),
    }
)
"""Fields of an assistant's message, or of a tool call in it, that are meant for the model that wrote them."""
_HIDDEN_PARTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
_LONGEST = 65_536
"""Characters of a text that tell one conversation from another."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 9
"""As long as the strictest provider asks for, of letters and digits only."""
_PLAIN_ID = re.compile(rf"[A-Za-z0-9]{{{_ID_LENGTH}}}")
Message = dict[str, Any]


@frozen
class Pin:
    """Where a conversation stays. Messages and turns are counted from the beginning of the conversation."""

    tier: str
    """It does not start below this one."""
    deployment: str
    """Who answered last."""
    model: str
    """The model that did, as `Deployment.voice` has it."""
    since: int = 0
    """What assistants say in the messages from here on was said by that model."""
    turns: int = 0
    """An assistant's turns, the last answer included."""
    said: str = ""
    """The mark of that answer."""
    called: bool = False
    """Whether that answer called tools."""
    tokens: int = 0
    """Prompt tokens that are likely to be in that deployment's cache."""
    at: float = 0.0
    """When that was, in seconds since 1970."""


@frozen
class Session:
    """The conversation that a request belongs to."""

    idle: float
    """Seconds after which it is forgotten."""
    lowest: str
    """The tier where conversations begin that nothing is known of."""
    name: str | None = None
    """The client's own name for it."""
    thread: bytes | None = None
    """Tells conversations apart by how they begin: the same for each of its turns. None until it is needed."""
    key: bytes | None = None
    """What its pin is kept under; None until it has been answered."""
    pin: Pin | None = None
    caller: str | None = None
    """The deployment whose tool call this turn answers."""


def thread(body: Mapping[str, Any], *owner: str, name: str | None) -> bytes:
    """Sixteen bytes that stand for how a conversation begins: its system prompt, its tools and the user's first words.

    `owner` says whose it is and where; `name` is the client's own name for it, and then nothing else counts.
    """
    if name is not None:
        return _hash((*owner, "named", name))
    leading: list[str] = []
    for message in body["messages"]:
        leading.append(_text(message)[:_LONGEST])
        if message["role"] not in _INSTRUCTIONS:
            break
    return _hash((*owner, *_tools(body.get("tools")), "begins", *leading))


def continued(beginning: bytes, answer: str) -> bytes:
    """What a conversation's pin is kept under, once its first answer (its mark) is known."""
    return _hash((answer,), beginning)


def mark(content: str, calls: Iterable[Mapping[str, Any]]) -> str:
    """Sixteen hex digits that stand for an answer, white space around it and the spelling of arguments aside."""
    ids = (str(call.get("id")) for call in calls if _is_object(call))
    return _hash((content[:_LONGEST].strip(), *ids))[:8].hex()


def marked(message: Message) -> str:
    """The mark of an answer that a client sends back."""
    calls = message.get("tool_calls")
    return mark(_text(message), calls if isinstance(calls, list) else ())


def turns(messages: Sequence[Message]) -> list[Message]:
    """What assistants said so far."""
    return [message for message in messages if message["role"] == "assistant"]


def answers_call(messages: Sequence[Message]) -> bool:
    """Whether the last turn brings the result of a tool call."""
    for message in reversed(messages):
        if message["role"] in _RESULTS:
            return True
        if message["role"] == "assistant":
            break
    return False


def own(messages: list[Message], since: int) -> list[Message]:
    """Return a conversation as a model may see it whose own answers stand from `since` on.

    In what other models said, hidden reasoning and signatures are left out and the ids of tool calls are made anew,
    the same ones every time. A conversation that holds nothing of the kind is returned as it is.
    """
    made: list[Message] = []
    changed, foreign = False, False
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            foreign = place < since
            message = _cleaned(message) if foreign else message  # noqa: PLW2901  what is kept of it
        elif foreign and message["role"] in _RESULTS and isinstance(said := message.get("tool_call_id"), str):
            message = {**message, "tool_call_id": _plain(said)}  # noqa: PLW2901
        changed |= message is not messages[place]
        made.append(message)
    return made if changed else messages


def _cleaned(message: Message) -> Message:
    """An assistant's message without what only its own model understands."""
    calls, content = message.get("tool_calls"), message.get("content")
    if message.keys().isdisjoint(_HIDDEN) and not calls and not isinstance(content, list):
        return message
    kept = {name: value for name, value in message.items() if name not in _HIDDEN}
    if isinstance(calls, list):
        kept["tool_calls"] = [_renamed(call) if _is_object(call) else call for call in calls]
    if isinstance(content, list):
        kept["content"] = [_bare(part) for part in content if str(part.get("type")) not in _HIDDEN_PARTS]
    if not kept.get("content") and not calls and "refusal" not in kept:
        kept["content"] = ""  # a message that only held reasoning; without anything at all it would be refused
    return kept


def _text(message: Message) -> str:
    """A message's text, as far as it is text."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(text for part in content if isinstance(text := part.get("text"), str))
    return content if isinstance(content, str) else ""


def _bare(part: Message) -> Message:
    return part if part.keys().isdisjoint(_HIDDEN) else {k: v for k, v in part.items() if k not in _HIDDEN}


def _renamed(call: Message) -> Message:
    said = call.get("id")
    return {**_bare(call), "id": _plain(said)} if isinstance(said, str) else _bare(call)


def _plain(identity: str) -> str:
    """An id that every provider takes, always the same for the same id."""
    if _PLAIN_ID.fullmatch(identity):
        return identity
    number = int.from_bytes(blake2b(identity.encode(errors="replace"), digest_size=8).digest())
    letters = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "".join(letters)


def _tools(tools: object) -> Iterable[str]:
    """The names of the tools on offer: enough to tell, and cheap where their schemas are long."""
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function")
        yield str(function.get("name")) if _is_object(function) else str(tool.get("type"))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _hash(parts: Iterable[str], salt: bytes = b"") -> bytes:
    """Sixteen bytes for some texts, each with its length, so that no two lists run into each other."""
    made = blake2b(salt, digest_size=16)
    for part in parts:
        data = part.encode(errors="replace")
        made.update(b"%d:" % len(data))
        made.update(data)
    return made.digest()
