"""Texts with variables in them, such as `{{metadata.name}}`: parsed once, and filled without running anything."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Template", "TemplateError", "Variable", "constant", "fill", "merged", "of_metadata", "parse"]

_MARK = re.compile(r"\\(?P<literal>\{[{%])|\{\{ *(?P<name>[\w.-]{1,128}?) *(?::-(?P<otherwise>[^{}\n]*))?\}\}|\{[{%]")
_LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Variable:
    """A place that is filled for each request, and what stands there when there is nothing to fill it with."""

    name: str
    otherwise: str = ""


Template = tuple[str | Variable, ...]
"""Constant texts and variables, in their order."""


class TemplateError(ValueError):
    """A text uses what is no variable; the message begins with the line."""


def of_metadata(name: str) -> bool:
    """Know the variables of a prompt: what the client said in `metadata`, and nothing else."""
    return name.startswith("metadata.") and len(name) > len("metadata.")


def parse(text: str, known: Callable[[str], bool], told: str = "{{metadata.NAME}}") -> Template:
    r"""Read a text; `known` says which variables it may have, and `told` names them for people.

    `{{name}}` is a variable, `{{name:-otherwise}}` one with a default, `\{{` and `\{%` are two literal characters.

    Raises:
        TemplateError: there is anything else that begins with `{{` or `{%`; it would have been sent as it stands.
    """
    pieces: list[str | Variable] = []
    end = 0
    for mark in _MARK.finditer(text):
        pieces.append(text[end : mark.start()])
        end = mark.end()
        if literal := mark["literal"]:
            pieces.append(literal)
        elif mark["name"] and known(mark["name"]):
            pieces.append(Variable(mark["name"], mark["otherwise"] or ""))
        else:
            raise TemplateError(_sentence(text, mark.start(), told))
    return merged([*pieces, text[end:]])


def _sentence(text: str, start: int, told: str) -> str:
    """Say where and what it is, and what could stand there."""
    line = text.count("\n", 0, start) + 1
    rest = text[start:].partition("\n")[0]
    close = re.search(r"[%}]\}", rest)
    shown = rest[: close.end()] if close else rest
    shown = shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
    return f"line {line}: '{shown}' is no variable; known here: {told}; write \\{text[start : start + 2]} for itself"


def merged(pieces: Iterable[str | Variable]) -> Template:
    """Put constant texts that stand beside each other together, and leave out empty ones."""
    joined: list[str | Variable] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(before := joined[-1], str):
            joined[-1] = before + piece
        elif piece:
            joined.append(piece)
    return tuple(joined)


def constant(template: Template) -> str:
    """Return what comes before the first variable."""
    return template[0] if template and isinstance(template[0], str) else ""


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Return the text for one request; a value is put in as it is, and is never read as a template."""
    return "".join(piece if isinstance(piece, str) else values.get(piece.name) or piece.otherwise for piece in template)
