"""The reference of every field, made from the schema: tables for the documents, JSON Schema for editors.

`python -m router.policy.reference docs/policy.md` writes the tables anew between their markers.
"""

import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from router.policy import shape, unbuilt
from router.policy.schema import Policy
from router.policy.validation import flow

_MARKED = re.compile(r"(<!-- fields: (?P<block>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a policy file, for editors that complete and check YAML while one types."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Policy.model_json_schema()}
    schema["title"] = "smallfirst policy"
    schema["required"] = ["version"]  # a file of a folder need not say everything
    return schema


def table(block: str) -> str:
    """Return the Markdown table of one block's fields, such as `deployments.*` or `.` for the top of a file."""
    pattern = "" if block == "." else block
    rows = [_row(f"{pattern}.{name}".removeprefix(".")) for name in shape.names_at(pattern)]
    return "\n".join(["| field | default | meaning | example |", "|---|---|---|---|", *rows]) + "\n"


def not_built() -> str:
    """Return the Markdown table of what is known and refused so far."""
    rows = [f"| `{shape.readable(row.field)}` | {row.only or 'all of it'} | {row.instead} |" for row in unbuilt.ROWS]
    return "\n".join(["| field | what of it | meanwhile |", "|---|---|---|", *rows]) + "\n"


def _row(pattern: str) -> str:
    info = shape.fields()[pattern]
    name = pattern.rpartition(".")[2]
    example = info.examples[0] if info.examples else ""
    shown = "" if example == "see below" else f"`{name}: {flow(example)}`".replace("|", "\\|")
    return f"| `{name}` | {_default(info)} | {info.description} | {shown} |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=False)
    match value:
        case None:
            return "none"
        case tuple():
            return f"`{flow(list(value))}`"
        case bool() | str() | int() | float():
            return f"`{flow(value)}`"
        case dict():
            return "`{}`"
        case _:
            return "its defaults"


def rewrite(document: str) -> str:
    """Return a document with every marked table made anew."""

    def fresh(found: re.Match[str]) -> str:
        text = not_built() if found["block"] == "not-built" else table(found["block"])
        return f"{found[1]}{text}{found[3]}"

    return _MARKED.sub(fresh, document)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = Path(argument)
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
