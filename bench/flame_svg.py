"""A flame graph as SVG: each box a function, as wide as the time spent in it and below it, on top of its caller."""

from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from zlib import crc32

__all__ = ["drawn"]

_WIDTH, _ROW, _TOP, _FOOT = 1400.0, 17, 40, 10
_THIN = 0.5
"""Pixels below which a box is left out."""
_LETTER = 6.6
Stack = tuple[str, ...]


def drawn(found: Mapping[Stack, int], title: str) -> str:
    """Return the picture of stacks, outermost function first, and how often each was seen."""
    total = sum(found.values())
    boxes = [box for box in _boxes(found) if _WIDTH * box[3] / max(1, total) >= _THIN]
    height = _TOP + _ROW * (1 + max((depth for _, depth, _, _ in boxes), default=0)) + _FOOT
    size = f'width="{_WIDTH:.0f}" height="{height}" font-family="monospace" font-size="11"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-size="14">{escape(title)}</text>',
    ]
    for name, depth, start, times in boxes:
        left, width, top = _WIDTH * start / total, _WIDTH * times / total, height - _FOOT - _ROW * (depth + 1)
        lines.append(
            f"<g><title>{escape(name)}: {100 * times / total:.1f} %</title>"
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 1}" fill="{_colour(name)}"/>'
            f"{_label(name, left, top, int(width / _LETTER))}</g>"
        )
    return "\n".join([*lines, "</svg>\n"])


def _label(name: str, left: float, top: int, room: int) -> str:
    """As much of a name as fits."""
    if room <= 3:
        return ""
    short = name if len(name) <= room else name.removeprefix("router.")
    text = short if len(short) <= room else f"{short[: room - 1]}…"
    return f'<text x="{left + 2:.1f}" y="{top + 12}">{escape(text)}</text>'


def _boxes(found: Mapping[Stack, int]) -> Iterator[tuple[str, int, int, int]]:
    """Every box: its name, how deep it lies, where it begins and how wide it is, in samples."""
    widths = Counter[Stack]()
    for stack, times in found.items():
        for depth in range(len(stack)):
            widths[stack[: depth + 1]] += times
    taken = dict[Stack, int]()
    for stack in sorted(widths):  # a caller comes before what it calls
        start = taken.get(stack[:-1], 0)
        taken[stack], taken[stack[:-1]] = start, start + widths[stack]
        yield stack[-1], len(stack) - 1, start, widths[stack]


def _colour(name: str) -> str:
    """The same for the same module; ours are warm, others' are grey."""
    shade = crc32(name.rpartition(".")[0].encode()) % 60
    ours = name.startswith("router.")
    return f"hsl({20 + shade // 2},80%,{60 + shade // 4}%)" if ours else f"hsl(210,12%,{70 + shade // 4}%)"
