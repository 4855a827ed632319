"""A text in pieces that a prompt can hold, each with an id that stays as long as the text does."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Chunk", "chunks"]

_LONGEST = 800


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a source."""

    id: str
    text: str
    source: str


def chunks(source: str, text: str, longest: int = _LONGEST) -> Iterator[Chunk]:
    """Yield a text's paragraphs, short ones together and long ones cut, as `source#1`, `source#2` and so on."""
    held = ""
    number = 0
    for paragraph in (part.strip() for part in text.split("\n\n")):
        for piece in (paragraph[i : i + longest] for i in range(0, len(paragraph), longest)):
            if held and len(held) + len(piece) > longest:
                number += 1
                yield Chunk(f"{source}#{number}", held, source)
                held = ""
            held = f"{held}\n\n{piece}" if held else piece
    if held:
        yield Chunk(f"{source}#{number + 1}", held, source)
