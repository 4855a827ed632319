"""`${…}` in a policy's text: the environment and small files, put in after YAML was read; a value stays one value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from router.policy.faults import Complaint
from router.policy.source import FieldPath
from router.policy.values import Expanded

_EXPANSION = re.compile(r"\$(?P<escaped>\$)\{|\$\{(?P<inside>[^}]*)(?P<closed>\}?)")
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.ASCII | re.DOTALL)


@dataclass(slots=True)
class Expansion:
    """Replaces `${VAR}`, `${VAR:-default}` and `${file:PATH}` in every text; `$${` is a literal `${`."""

    env: Mapping[str, str]
    read_file: Callable[[str], str | None]
    complaints: list[Complaint] = field(default_factory=list)

    def expand(self, value: object, path: FieldPath = ()) -> object:
        """Return the same values with every text expanded; names are left alone."""
        match value:
            case str():
                return self._text(value, path)
            case dict():
                return {name: self.expand(inner, (*path, name)) for name, inner in value.items()}
            case list():
                return [self.expand(inner, (*path, index)) for index, inner in enumerate(value)]
            case _:
                return value

    def _text(self, text: str, path: FieldPath) -> str:
        if "${" not in text:
            return text
        expanded = _EXPANSION.sub(lambda found: self._one(found, path), text)
        if not _is_unicode(expanded):
            self._complain(path, f"{text} holds bytes that are not text")
            expanded = ""
        return Expanded(expanded, written=text)

    def _one(self, found: re.Match[str], path: FieldPath) -> str:
        if found["escaped"]:
            return "${"
        inside = found["inside"]
        if not found["closed"]:
            return self._complain(path, "'${' without '}'", "write $${ for a literal ${")
        if inside.startswith("file:"):
            return self._file(inside.removeprefix("file:"), path)
        if (variable := _VARIABLE.fullmatch(inside)) is None:
            return self._complain(
                path,
                f"cannot read '${{{inside}}}'",
                "write ${NAME}, ${NAME:-default} or ${file:/path}; $${ for a literal ${",
            )
        name, default = variable["name"], variable["default"]
        value = self.env.get(name, "" if default is None else default)
        if default is None and name not in self.env:
            return self._complain(
                path, f"environment variable {name} is not set", f"set it, or write ${{{name}:-}} if it may be empty"
            )
        return value or default or ""

    def _file(self, name: str, path: FieldPath) -> str:
        content = self.read_file(name)
        if content is None:
            return self._complain(path, f"no readable text file '{name}'", "files are relative to the policy")
        return content.rstrip("\r\n")

    def _complain(self, path: FieldPath, message: str, suggestion: str = "") -> str:
        self.complaints.append(Complaint(path, message, suggestion))
        return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
