"""Which client is this? API keys, of which only hashes are stored.

A keys file is a YAML list, written by `smallfirst keys add` and read by people::

    - name: support-desk
      hash: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      labels:
        team: support
      created: '2026-11-21T09:30:00Z'

A plain SHA-256 without salt is enough, because a key is 32 random bytes and no password: nobody can list the keys there
are, and no two are alike, so there is nothing a salt or a slow hash could slow down. What the plain hash buys is a
look-up that costs the same for ten keys and ten thousand; it leaks nothing by its timing that lets anybody guess a key,
as who asks cannot steer the hash of what they ask with.
"""

import base64
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Self

import yaml

from router.policy.limits import Allowance, Limit, allowance

__all__ = ["Key", "Keyring", "KeysError", "add", "hash_key", "mint"]

_TOKEN_BYTES = 32
_PREFIX = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = ("name", "hash", "labels", "created")
_HEADER = "# API keys of clients, as hashes; `smallfirst keys add` adds one and prints the key once.\n"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class KeysError(ValueError):
    """A keys file is wrong; says where and what to do, one fault a line."""


@dataclass(frozen=True, slots=True)
class Key:
    """A client that may speak to us: a name for logs and limits, and labels that rules may ask for."""

    name: str
    labels: Mapping[str, str]
    created: str | None = None
    allowance: Allowance | None = None
    """How much it may ask for and spend; None: as much as it likes."""


def mint(token: bytes) -> str:
    """Turn 32 random bytes into a new key, like `sf-N2z8…`.

    Raises:
        ValueError: fewer than 32 bytes.
    """
    if len(token) < _TOKEN_BYTES:
        message = f"a key needs {_TOKEN_BYTES} random bytes, not {len(token)}"
        raise ValueError(message)
    return "sf-" + base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def hash_key(key: str) -> str:
    """What a keys file keeps of a key: `sha256:` and 64 hexadecimal digits."""
    return _PREFIX + hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every key of a keys file, found by hash."""

    keys: Mapping[bytes, Key]
    """SHA-256 digest to key."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a keys file.

        Raises:
            KeysError: the file cannot be read, or is wrong; every fault at once, each with its line.
        """
        with _told(path, "read"):
            text = path.read_text(encoding="utf-8")
        return cls(_parse(text, path))

    def find(self, authorization: bytes | None) -> Key | None:
        """Find whose key an `Authorization` header carries: `Bearer sf-…`, the scheme in any case."""
        if authorization is None or authorization[:7].lower() != b"bearer ":
            return None
        return self.keys.get(hashlib.sha256(authorization[7:].strip()).digest())

    def under(self, limits: Mapping[str, Limit]) -> Self:
        """The same keys, each with what a policy's limits allow it."""
        if not limits:
            return self
        limited = {
            digest: replace(key, allowance=allowance(limits, key.name, key.labels)) for digest, key in self.keys.items()
        }
        return type(self)(limited)


def add(path: Path, name: str, key: str, *, labels: Mapping[str, str], now: float) -> None:
    """Append a key to a keys file, or begin one; the file is replaced at once, so a reader never sees half of it.

    What people wrote in the file stays as it is. A new file is for its owner's eyes only (0600); an old one keeps its
    mode. Two who add at the same time wait for each other. `now` is in seconds since 1970.

    Raises:
        KeysError: the name is taken or empty, or the file is wrong as it stands, or cannot be written.
    """
    path = path.resolve()
    with _told(path, "written"), _alone_in(path.parent):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        known = _parse(text, path)
        if not name or any(one.name == name for one in known.values()):
            message = f"{path}: a key named '{name}' exists; choose another name" if name else "a key needs a name"
            raise KeysError(message)
        text = text if known else _HEADER
        longer = text + "\n" * (not text.endswith("\n")) + _entry(name, key, labels, now)
        try:
            _parse(longer, path)
        except KeysError as error:
            message = f"{path}: the key cannot be appended, the file would be wrong: {error}"
            raise KeysError(message) from error
        _replace(path, longer)


def _entry(name: str, key: str, labels: Mapping[str, str], now: float) -> str:
    created = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {"name": name, "hash": hash_key(key), "labels": dict(labels), "created": created}
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)


@contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """Say of a file that cannot be read or written which one it is, and why."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise KeysError(f"{path}: cannot be {done}: {why}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process changes the keys of this folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Put a new file in the old one's place, whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            if path.exists():
                Path(new.name).chmod(path.stat().st_mode & 0o777)
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def _parse(text: str, path: Path) -> dict[bytes, Key]:
    try:
        root = yaml.compose(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{path}:{line} not YAML: {error.problem}"
        raise KeysError(message) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.SequenceNode):
        message = f"{path}:{root.start_mark.line + 1} must be a list of keys, each `- name: …` with its `hash`"
        raise KeysError(message)
    keys: dict[bytes, Key] = {}
    faults: list[str] = []
    lines: dict[str, int] = {}
    for entry in root.value:
        line = entry.start_mark.line + 1
        wrong, key, digest = _read(entry)
        if key is not None:
            if key.name in lines:
                wrong = [f"name: '{key.name}' is the name of the key in line {lines[key.name]} too"]
            elif digest in keys:
                wrong = [f"hash: the same key as '{keys[digest].name}'"]
            lines[key.name] = line
            keys[digest] = key
        faults += [f"{path}:{line} {fault}" for fault in wrong]
    if faults:
        raise KeysError("\n".join(faults))
    return keys


def _read(entry: yaml.Node) -> tuple[list[str], Key | None, bytes]:
    """Read one entry: what is wrong with it, or a key and its digest."""
    if not isinstance(entry, yaml.MappingNode):
        return ["must be an object with `name` and `hash`"], None, b""
    fields = {name.value: value for name, value in entry.value}
    wrong = [_unknown(name) for name in fields if name not in _FIELDS]
    name, digest, created = (_scalar(fields.get(field)) for field in ("name", "hash", "created"))
    labels = fields.get("labels")
    if not name:
        wrong.append("name: missing; every key needs one")
    if digest is None or not _HASH.fullmatch(digest):
        wrong.append("hash: must be `sha256:` and 64 hexadecimal digits; `smallfirst keys add` makes one")
    if labels is not None and not _is_labels(labels):
        wrong.append("labels: must be an object of texts, like {team: support}")
    if wrong or not name or not digest:
        return wrong, None, b""
    pairs: Iterable[tuple[yaml.Node, yaml.Node]] = labels.value if labels else ()
    key = Key(name, {label.value: value.value for label, value in pairs}, created)
    return [], key, bytes.fromhex(digest.removeprefix(_PREFIX))


def _unknown(name: str) -> str:
    if name == "key":
        return "key: keys are kept as hashes only; remove it, and take the key for lost if others could read this file"
    close = get_close_matches(name, _FIELDS, 1)
    return f"{name}: unknown field" + (f"; did you mean '{close[0]}'?" if close else "")


def _scalar(node: yaml.Node | None) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _is_labels(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) and all(
        isinstance(label, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode) for label, value in node.value
    )
