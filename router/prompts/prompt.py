"""What a tier or a tune adds to a conversation: a system prompt, texts around it, and examples behind it.

A client's own system prompt is never dropped, but for one: the known prompt that `replaces` names. "The system prompt"
is the messages with the roles system and developer that a conversation begins with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from router import signals
from router.chat import ChatRequest
from router.policy import Policy, examples, templates
from router.policy.prompting import is_file
from router.policy.schema import Prompt as Spec
from router.policy.templates import Template, Variable

__all__ = ["Prompt"]

_ROLES = frozenset({"system", "developer"})
_BETWEEN = "\n\n"
_LONGEST_VALUE = 512
"""Characters of a value of `metadata`: as many as OpenAI allows."""
_BYTES_PER_TOKEN = 4
_NEW = {"role": "system"}
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is added to a request. `apply` is pure: the same conversation always becomes the same conversation."""

    system: Template = ()
    replaces: str | None = None
    """The fingerprint of the system prompt that `system` is put in place of; None: it is for clients that send none."""
    prepend: Template = ()
    append: Template = ()
    examples: tuple[Message, ...] = ()
    marks: bool = False
    """Whether whoever gets it likes to be told how far a prompt is the same every time."""

    @classmethod
    def of(cls, spec: Spec, policy: Policy, *, marks: bool = False) -> "Prompt":
        """Compile what a policy says, from the files that were read with it."""

        def text(said: str | None) -> Template:
            written = policy.read_text(said) if said is not None and is_file(said) else said
            return templates.parse(written.rstrip(), templates.of_metadata) if written else ()

        return cls(
            text(spec.system),
            signals.prompt_hash(policy.read_text(spec.replaces)) if spec.replaces else None,
            text(spec.prepend),
            text(spec.append),
            examples.read(policy.read_bytes(spec.examples)) if spec.examples else (),
            marks,
        )

    @property
    def reads_metadata(self) -> bool:
        """Whether it says something that the client says in `metadata`."""
        return any(isinstance(piece, Variable) for piece in (*self.prepend, *self.system, *self.append))

    def apply(self, request: ChatRequest) -> tuple[list[Message], int]:
        """Return the conversation to send, and about how many tokens longer its prompt is (shorter: below zero)."""
        own = list(takewhile(_instructs, request.messages))
        template = self._template(own, sent=any(map(_instructs, request.messages)))
        values = _values(request.body, (*self.prepend, *self.system, *self.append))
        text = templates.fill(template, values)
        if text.strip():
            leading = [{**(own[0] if own else _NEW), "content": text}]
        else:
            template, leading = (), self._around(own, values)
        grown = sum(map(_size, (*leading, *self.examples))) - sum(map(_size, own))
        added = [*leading, *self.examples]
        if self.marks and not _has_marks(request.body):
            added = self._marked(added, template)
        return [*added, *request.messages[len(own) :]], int(grown / _BYTES_PER_TOKEN)

    def _marked(self, added: list[Message], template: Template) -> list[Message]:
        """Mark how far the prompt is the same every time: up to its first variable, else to the end of the examples."""
        if any(isinstance(piece, Variable) for piece in template or (*self.prepend, *self.append)):
            fixed = len(templates.constant(template))
            return [_marked_up_to(fixed, added[0]), *added[1:]] if fixed else added
        if (self.examples or template) and isinstance(text := added[-1].get("content"), str):
            return [*added[:-1], _marked_up_to(len(text), added[-1])]
        return added

    def _template(self, own: list[Message], *, sent: bool) -> Template:
        """What the system prompt becomes, where it is one text; empty when it stays or its parts are added to."""
        if self._takes_over(own, sent=sent):
            return _joined(self.prepend, self.system, self.append)
        single = len(own) <= 1 and not (own and isinstance(own[0].get("content"), list))
        if single and (self.prepend or self.append):
            said = signals.content(own[0]) if own else ""
            return _joined(self.prepend, (said,) if said else (), self.append)
        return ()

    def _takes_over(self, own: list[Message], *, sent: bool) -> bool:
        """Whether `system` is the system prompt: in place of the known one, or where the client sent none."""
        if not self.system:
            return False
        if self.replaces is None:
            return not sent
        return bool(own) and signals.prompt_hash("\n".join(map(signals.content, own))) == self.replaces

    def _around(self, own: list[Message], values: Mapping[str, str]) -> list[Message]:
        """Add to a system prompt that is in several messages or parts; those stay as they are."""
        around = list(own)
        if own and self.prepend:
            around[0] = _with(around[0], before=templates.fill(self.prepend, values))
        if own and self.append:
            around[-1] = _with(around[-1], after=templates.fill(self.append, values))
        return around


def _instructs(message: Message) -> bool:
    return message["role"] in _ROLES


def _joined(*templates_: Template) -> Template:
    """One template of several, each a paragraph of its own."""
    joined: list[str | Variable] = []
    for template in filter(None, templates_):
        joined += [_BETWEEN, *template] if joined else template
    return templates.merged(joined)


def _with(message: Message, *, before: str = "", after: str = "") -> Message:
    """A message with text before and after what it says."""
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [*_parts(before), *content, *_parts(after)]}
    return {**message, "content": _BETWEEN.join(filter(None, (before, content, after)))}


def _parts(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []  # providers refuse parts that are blank


def _marked_up_to(length: int, message: Message) -> Message:
    """A message whose first characters are marked as the same every time."""
    text = message["content"]
    marked = [{**part, "cache_control": {"type": "ephemeral"}} for part in _parts(text[:length])]
    return {**message, "content": [*marked, *_parts(text[length:])]} if marked else message


def _has_marks(body: Mapping[str, Any]) -> bool:
    """Whether the client set marks of its own: there may be four, and it knows better."""
    things = [*body["messages"], *(body.get("tools") or ())]
    things += [part for message in body["messages"] for part in message.get("content") or () if isinstance(part, dict)]
    return "cache_control" in body or any("cache_control" in thing for thing in things)


def _values(body: Mapping[str, Any], template: Template) -> dict[str, str]:
    """What the variables stand for: one line each, and not a long one."""
    metadata = body.get("metadata") or {}
    names = [piece.name for piece in template if isinstance(piece, Variable)]
    return {name: _line(metadata.get(name.removeprefix("metadata."))) for name in names}


def _line(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return " ".join(value[:_LONGEST_VALUE].split())
        case _:
            return ""


def _size(message: Message) -> int:
    """Bytes of a message's text."""
    return len(signals.content(message).encode(errors="replace"))
