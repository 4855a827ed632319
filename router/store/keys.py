"""How keys are named, and every kind of key there is: what it holds, how large it is, how long it stays.

A key is ``sf1:<kind>:{<hash>}``. The braces are Redis Cluster's: keys of one hash, whatever their kind, live on one
node, so that a script may touch an answer and its lock together. `docs/redis.md` is the list for operators.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, Self

__all__ = ["CHANNELS", "CLEARED", "KINDS", "PREFIX", "Flight", "Kind", "key", "kind_of"]

PREFIX = "sf1:"
_NOTHING = blake2b(digest_size=16)


@dataclass(frozen=True, slots=True)
class Kind:
    """What all keys of one kind have in common, in the words of `docs/redis.md`."""

    name: str
    holds: str
    size: str
    ttl: str | None
    """How long one stays; None for what was learned: it stays, and `memory://` keeps it on disk."""
    type: str = "string"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("answer", "an answer that equal requests get again, compressed", "up to `max_size`", "the route's `ttl`"),
        Kind("flight", "who is asking a deployment for an answer just now", "17 bytes", "1 s, renewed"),
        Kind("result", "an answer that may not be kept, for the requests that joined it", "as the answer", "5 s"),
        Kind("lease", "which replica does what only one may do, such as control", "under 100 bytes", "its user's"),
        Kind(
            "threshold",
            "a route's thresholds with their history, as control or operators set them",
            "under 64 KiB",
            None,
        ),
        Kind("control", "what control learned of a route: evidence and traffic, in sums", "under 64 KiB", None),
        Kind("breaker", "a deployment's breaker, opened by some replica", "under 100 bytes", "its `open_for`"),
        Kind(
            "limit",
            "what a key has used of its limits, and which replica holds its places",
            "100 bytes, and 80 for each server",
            "35 d",
        ),
        Kind("decision", "what `GET /v1/decisions/{id}` tells", "about 270 bytes", "`state.decisions`, 24 h"),
        Kind("completion", "which request led to a completion", "60 bytes", "`state.decisions`, 24 h"),
        Kind("feedback", "that feedback about a request was counted", "16 bytes", "`records.retention`"),
        Kind("judged", "what a judge said of an answer, until people speak of it too", "under 100 bytes", "7 d"),
        Kind("pin", "the tier a session stays at", "under 100 bytes", "1 h since its last request"),
        Kind("secret", "the key that signs request ids, where the environment gives none", "32 bytes", None),
    )
}

_PREFIXES = {name: f"{PREFIX}{name}:" for name in KINDS}
_ANSWER, _FLIGHT, _RESULT = (_PREFIXES[name] for name in ("answer", "flight", "result"))

CLEARED = "sf1:cleared"

CHANNELS = {
    "cleared": "a route whose answers an operator has cleared, or nothing for all of them",
    "threshold": "a route whose thresholds were changed",
    "breaker": "a deployment whose breaker was opened or closed",
}
"""What is published, beside the flights that others have joined: those have a channel of their key's name each."""


def key(kind: str, *parts: str | bytes) -> str:
    """Name the key of one kind for what `parts` say together; equal parts give equal hashes, whatever the kind.

    Raises:
        KeyError: there is no such kind; `KINDS` has them all.
    """
    return f"{_PREFIXES[kind]}{{{_hash(parts)}}}"


def kind_of(key: str) -> Kind:
    """Which kind a key is of."""
    return KINDS[key.split(":", 2)[1]]


def _hash(parts: tuple[str | bytes, ...]) -> str:
    """Hash parts so that no two lists of them collide by running into each other."""
    hashing = _NOTHING.copy()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        hashing.update(len(data).to_bytes(8) + data)
    return hashing.hexdigest()


class Flight(NamedTuple):
    """The three keys of one request that is asked for upstream; they share a hash."""

    answer: str
    lock: str
    result: str

    @classmethod
    def of(cls, *parts: str | bytes) -> Self:
        """Name the keys of the request that `parts` identify."""
        tag = f"{{{_hash(parts)}}}"
        return cls(_ANSWER + tag, _FLIGHT + tag, _RESULT + tag)
