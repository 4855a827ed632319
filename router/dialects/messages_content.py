"""A conversation of Anthropic's blocks as the messages of a chat completion."""

import re
from typing import Any

import orjson

from router.dialects.messages_reading import missing, named, optional, refused, required, wrong
from router.errors import BadRequest

__all__ = ["conversation", "instructions"]

Block = dict[str, Any]
_HIDDEN = frozenset({"thinking", "redacted_thinking"})
"""What means something to the model that wrote it, and to nobody else."""
_ACCOUNTING = re.compile(r"\Ax-anthropic-billing-header:[^\n]*\n?")
"""A line that Claude Code puts in front for Anthropic's books: no instruction, and another one each time, so that no
two requests would begin alike."""
_ELSEWHERE = "it was made by one of Anthropic's own tools, which do not run here; leave it out"


def instructions(system: object, where: str = "system") -> str:
    """A system prompt as one text, its blocks on lines of their own.

    Raises:
        BadRequest: it is neither a string nor blocks of text.
    """
    if isinstance(system, str):
        return _ACCOUNTING.sub("", system)
    if not isinstance(system, list):
        raise wrong(where, "a string or an array of text blocks", system)
    texts = [_ACCOUNTING.sub("", _text_only(each, named(where, i))) for i, each in enumerate(system)]
    return "\n".join(texts[1:] if texts and not texts[0] else texts)


def conversation(messages: list[Any]) -> list[dict[str, Any]]:
    """Every message, in order; those that bring results of tools become several.

    Raises:
        BadRequest: there are none, or something in them is wrong, or cannot be said in a chat completion.
    """
    if not messages:
        raise BadRequest("messages: at least one message is required.", param="messages", code="empty_array")
    said: list[dict[str, Any]] = []
    for i, message in enumerate(messages):
        where = f"messages.{i}"
        if not isinstance(message, dict):
            raise wrong(where, "an object", message)
        role, content = required(message, "role", str, where), message.get("content")
        place = named(where, "content")
        if role not in _READERS:
            raise refused(named(where, "role"), f"a message is from 'user', 'assistant' or 'system', not '{role}'")
        if isinstance(content, str):
            said.append({"role": role, "content": content})
        elif isinstance(content, list):
            said += _READERS[role](_blocks(content, place), place)
        elif content is None:
            raise missing(place)
        else:
            raise wrong(place, "a string or an array of blocks", content)
    return said


def _blocks(content: list[Any], where: str) -> list[tuple[str, Block, str]]:
    """Each block with its type and its place."""
    blocks: list[tuple[str, Block, str]] = []
    for i, block in enumerate(content):
        place = named(where, i)
        if not isinstance(block, dict):
            raise wrong(place, "an object", block)
        blocks.append((required(block, "type", str, place), block, place))
    return blocks


def _of_user(blocks: list[tuple[str, Block, str]], where: str) -> list[dict[str, Any]]:
    """What a user says. Results of tools come first, each a message of its own: they answer the calls before them."""
    if not blocks:
        raise BadRequest(f"{where}: at least one block is required.", param=where, code="empty_array")
    results: list[dict[str, Any]] = []
    shown: list[Block] = []
    parts: list[Block] = []
    for kind, block, place in blocks:
        if kind == "tool_result":
            results.append(_result(block, place, shown))
        else:
            parts += _parts(kind, block, place)
    parts = shown + parts
    if not parts:
        return results
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return [*results, {"role": "user", "content": parts[0]["text"] if alone else parts}]


def _of_assistant(blocks: list[tuple[str, Block, str]], _where: str) -> list[dict[str, Any]]:
    """What an assistant said, and which tools it called."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for kind, block, place in blocks:
        if kind == "text":
            texts.append(required(block, "text", str, place))
        elif kind == "tool_use":
            calls.append(_call(block, place))
        elif kind not in _HIDDEN:
            raise refused(place, f"an assistant's '{kind}' block cannot be sent to a chat model: {_ELSEWHERE}")
    text = "".join(texts)
    if not calls:
        return [{"role": "assistant", "content": text}]
    return [{"role": "assistant", "content": text or None, "tool_calls": calls}]


def _of_system(blocks: list[tuple[str, Block, str]], where: str) -> list[dict[str, Any]]:
    """Instructions in the middle of a conversation."""
    return [{"role": "system", "content": instructions([block for _, block, _ in blocks], where)}]


_READERS = {"user": _of_user, "assistant": _of_assistant, "system": _of_system}


def _call(block: Block, where: str) -> dict[str, Any]:
    """A tool that an assistant called."""
    given = required(block, "input", dict, where)
    try:
        arguments = orjson.dumps(given).decode()
    except orjson.JSONEncodeError as error:  # it writes less deep than it reads
        raise refused(named(where, "input"), "it is nested too deeply") from error
    function = {"name": required(block, "name", str, where), "arguments": arguments}
    return {"id": required(block, "id", str, where), "type": "function", "function": function}


def _result(block: Block, where: str, shown: list[Block]) -> dict[str, Any]:
    """What a tool gave. A chat's tool says text only: images are `shown` after it, by the number that stands for them.

    Nor can it say that it failed, but in words.
    """
    content, texts = block.get("content"), list[str]()
    if isinstance(content, str):
        texts.append(content)
    elif content is not None and not isinstance(content, list):
        raise wrong(named(where, "content"), "a string or an array of blocks", content)
    else:
        for kind, part, place in _blocks(content or [], named(where, "content")):
            for each in _parts(kind, part, place):
                if each["type"] == "text":
                    texts.append(each["text"])
                    continue
                number = f"[image {sum(one['type'] != 'text' for one in shown) + 1}]"
                texts.append(number)
                shown += [{"type": "text", "text": number}, each]
    text = "\n".join(texts)
    if optional(block, "is_error", bool, where):
        text = f"Error: {text}" if text else "Error"
    return {"role": "tool", "tool_call_id": required(block, "tool_use_id", str, where), "content": text}


def _parts(kind: str, block: Block, where: str) -> list[Block]:
    """A block of a user's, or of a tool's result, as parts of a message."""
    if kind == "text":
        return [{"type": "text", "text": required(block, "text", str, where)}]
    if kind == "image":
        return [{"type": "image_url", "image_url": {"url": _image(required(block, "source", dict, where), where)}}]
    if kind == "document":
        return _document(block, where)
    if kind == "search_result":
        _no_citations(block, where)
        head = [required(block, "title", str, where), required(block, "source", str, where)]
        found = instructions(required(block, "content", list, where), named(where, "content"))
        return [{"type": "text", "text": "\n".join([*head, "", found])}]
    if kind in {"tool_use", "thinking", "redacted_thinking"}:
        raise refused(where, f"a '{kind}' block belongs into an assistant's message")
    if kind.endswith("_tool_result"):
        raise refused(where, f"a '{kind}' block cannot be sent to a chat model: {_ELSEWHERE}")
    raise refused(where, f"a '{kind}' block cannot be sent to a chat model; send what is in it as text or images")


def _image(source: Block, where: str) -> str:
    """An image's address, which may hold all of it."""
    place = named(where, "source")
    kind = required(source, "type", str, place)
    if kind == "url":
        return required(source, "url", str, place)
    if kind == "base64":
        return f"data:{required(source, 'media_type', str, place)};base64,{required(source, 'data', str, place)}"
    raise refused(place, f"an image of type '{kind}' cannot be fetched here; send it as base64 or by its URL")


def _document(block: Block, where: str) -> list[Block]:
    """A document of text, with its title and what is said about it in front."""
    source, place = required(block, "source", dict, where), named(where, "source")
    kind = required(source, "type", str, place)
    _no_citations(block, where)
    about = [said for name in ("title", "context") if (said := optional(block, name, str, where))]
    head = "\n".join([*about, "", ""]) if about else ""
    if kind == "text":
        return [{"type": "text", "text": head + required(source, "data", str, place)}]
    if kind == "content":
        content = source.get("content")
        if isinstance(content, str):
            return [{"type": "text", "text": head + content}]
        parts: list[Block] = [{"type": "text", "text": head}] if head else []
        for inner, each, at in _blocks(required(source, "content", list, place), named(place, "content")):
            if inner not in {"text", "image"}:
                raise refused(at, f"a document holds text and images, not blocks of type '{inner}'")
            parts += _parts(inner, each, at)
        return parts
    told = "only documents of plain text can be sent to a chat model; send this one's text, or its pages as images"
    raise refused(place, told)


def _no_citations(block: Block, where: str) -> None:
    """Refuse to promise citations: a chat model gives none."""
    if (wanted := optional(block, "citations", dict, where)) and wanted.get("enabled"):
        raise refused(named(where, "citations"), "chat models do not cite; leave it out, or ask for quotes in words")


def _text_only(block: object, where: str) -> str:
    if not isinstance(block, dict):
        raise wrong(where, "an object", block)
    if (kind := required(block, "type", str, where)) != "text":
        raise refused(where, f"instructions are text, not blocks of type '{kind}'")
    return required(block, "text", str, where)
