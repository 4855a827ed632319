"""Where a policy came from: its folder, its files, what they held, and the line of every field."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FieldPath = tuple[str | int, ...]
Place = tuple[str, int]


def nearest(places: Mapping[FieldPath, Place], path: FieldPath) -> Place:
    """Return file and line of a field, or of the closest block around it; ("", 0) when nothing is known."""
    for length in range(len(path), -1, -1):
        if (place := places.get(path[:length])) is not None:
            return place
    return "", 0


def spelled(path: FieldPath) -> str:
    """Return a field's path as faults and documents write it: `routes.auto.cascade[0].below`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def fingerprint(said: object, contents: Mapping[str, bytes]) -> str:
    """Return twelve hex digits that change with what is said (as JSON has it), and with the files that it names."""
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(set(_words(said)) & contents.keys()):
        digest.update(b"\0" + name.encode(errors="surrogatepass") + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()[:12]


def _words(said: object) -> Iterator[str]:
    """Every text in it."""
    match said:
        case str():
            yield said
        case Mapping():
            for value in said.values():
                yield from _words(value)
        case list() | tuple():
            for value in said:
                yield from _words(value)


@dataclass(frozen=True, slots=True)
class Source:
    """What loading knows beside the values; a policy made by hand in a test has an empty one."""

    folder: Path = field(default_factory=Path)
    files: frozenset[Path] = frozenset()
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    places: Mapping[FieldPath, Place] = field(default_factory=dict, repr=False)
    version_hash: str = "0" * 12

    def where(self, path: FieldPath) -> Place:
        """Return file and line of a field, or of the closest block around it."""
        return nearest(self.places, path)
