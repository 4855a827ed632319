"""The reference of every field, made from the schema: the tables of `docs/policy.md`.

`python -m router.policy.reference docs/policy.md` writes the tables anew between their markers.
"""

import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from router.policy import shape
from router.policy.block import Block
from router.policy.validation import flow

_MARKED = re.compile(r"(<!-- fields: (?P<block>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MEBIBYTE = 2**20
_DAY = 86400


def table(block: str) -> str:
    """Return the Markdown table of one block's fields, such as `deployments.*` or `.` for the top of a file."""
    pattern = "" if block == "." else block
    rows = [_row(f"{pattern}.{name}".removeprefix(".")) for name in shape.names_at(pattern)]
    return "\n".join(["| field | default | meaning | example |", "|---|---|---|---|", *rows]) + "\n"


def _row(pattern: str) -> str:
    info = shape.fields()[pattern]
    name = pattern.rpartition(".")[2]
    example = info.examples[0] if info.examples else ""
    shown = "" if example == "see below" else f"`{name}: {flow(example)}`".replace("|", "\\|")
    return f"| `{name}` | {_default(info)} | {info.description} | {shown} |"


def _default(info: FieldInfo) -> str:
    """Return a default as one would write it; a block's own defaults stand in its own table."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=False)
    if isinstance(value, int) and value >= _MEBIBYTE and value % _MEBIBYTE == 0:
        return f"`{value // _MEBIBYTE}MiB`"
    if isinstance(value, float) and value >= _DAY and value % _DAY == 0:
        return f"`{value / _DAY:g}d`"
    if isinstance(value, Block):
        return "its defaults"
    return "none" if value is None else f"`{flow(list(value) if isinstance(value, tuple) else value)}`"


def rewrite(document: str) -> str:
    """Return a document with every marked table made anew."""

    def fresh(found: re.Match[str]) -> str:
        return f"{found[1]}{table(found['block'])}{found[3]}"

    return _MARKED.sub(fresh, document)


def main(arguments: list[str]) -> None:
    """Write the tables of each document named."""
    for argument in arguments:
        path = Path(argument)
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
