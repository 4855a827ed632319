"""The files a policy names, each read once at load, so that nobody waits for a disk while a request is answered."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from router.policy.faults import Complaint, did_you_mean
from router.policy.source import FieldPath
from router.policy.tree import texts
from router.policy.values import Expanded

PROMPTS = ("routes.*.rules.*.when.system",)  # fields that name a text file
MODELS = ("routes.*.difficulty",)  # fields that name a file of any kind
SECRETS = ("auth.keys",)  # fields that name a file which has no part in the policy's version
_LARGEST = 256 * 2**20


def content_of(path: Path) -> bytes | None:
    """Return a regular file's bytes, or None: a pipe or a device could keep us waiting for ever."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else None
    except (OSError, ValueError):
        return None


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


@dataclass(slots=True)
class Files:
    """The files a policy names, each read once."""

    folder: Path
    seen: set[Path]
    contents: dict[str, bytes] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """Return a small file's text for `${file:…}`, or None when there is none."""
        path = self.folder / name
        self.seen.add(path)
        content = content_of(path)
        return None if content is None else _decoded(content)

    def take(self, tree: object) -> Iterator[Complaint]:
        """Read every file the fields name; complain about those that cannot be used."""
        for path, name in _named(tree, PROMPTS):
            content = self._take(name)
            if content is None:
                yield Complaint(path, f"no file '{name}' beside the policy", "files are relative to the policy")
            elif not (_decoded(content) or "").strip():
                yield Complaint(path, f"'{name}' is empty or not UTF-8 text")
        for path, name in _named(tree, MODELS):
            if name != "builtin" and not _is_constant(name) and self._take(name) is None:
                hint = did_you_mean(name, ["builtin"]) or "write builtin, a number, or a file relative to the policy"
                yield Complaint(path, f"no file '{name}' beside the policy", hint)
        for path, name in _named(tree, SECRETS):
            self.secret.add(name)
            if self._take(name) is None:
                hint = f"'smallfirst keys add --name NAME --file {self.folder / name}' makes one"
                yield Complaint(path, f"no file '{name}' beside the policy", hint)

    def versioned(self) -> dict[str, bytes]:
        """Return the contents that are part of the policy's version."""
        return {name: content for name, content in self.contents.items() if name not in self.secret}

    def _take(self, name: str) -> bytes | None:
        if name not in self.contents:
            self.seen.add(self.folder / name)
            content = content_of(self.folder / name)
            if content is None:
                return None
            self.contents[name] = content
        return self.contents[name]


def _named(tree: object, patterns: tuple[str, ...]) -> Iterator[tuple[FieldPath, str]]:
    for pattern in patterns:
        yield from texts(tree, pattern)


def _is_constant(text: str) -> bool:
    """Tell `${DIFFICULTY}` that holds a number from the name of a file."""
    try:
        return isinstance(text, Expanded) and float(text) is not None
    except ValueError:
        return False
