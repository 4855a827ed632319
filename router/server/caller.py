"""Who asks, and what they ask for in headers."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from typing_extensions import override

from router.consider import Caller
from router.errors import BadRequest, Unauthorized
from router.keys import Key, Keyring

__all__ = ["Headers", "identify"]

Scope = Mapping[str, Any]

_THRESHOLD, _BUDGET = b"x-router-threshold", b"x-router-max-cost-usd"
_MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or by itself in an x-api-key header."
)
_BARE = "Your Authorization header does not begin with 'Bearer': send Authorization: Bearer YOUR_KEY."
_WRONG = "Incorrect API key provided. Ask whoever runs this proxy for one (`smallfirst keys add`)."


class Headers(Mapping[str, str]):
    """A request's headers by their names in lower case; decoded when somebody reads them, which is rare."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    @override
    def __getitem__(self, name: str) -> str:
        return self._raw[name.encode("latin-1")].decode("latin-1")

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode("latin-1") in self._raw

    @override
    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    @override
    def __len__(self) -> int:
        return len(self._raw)


def identify(scope: Scope, keyring: Keyring | None) -> Caller:
    """Read an ASGI scope's headers. Without a keyring everybody may ask, whatever key they bring.

    Raises:
        Unauthorized: there is a keyring, and the key is missing or not in it.
        BadRequest: a header of ours does not hold what it should.
    """
    raw = dict(scope["headers"])
    tenant: str | None = None
    labels: Mapping[str, str] = {}
    allowance = None
    if keyring is not None:
        given = raw.get(b"authorization")
        if given is None:
            if (alone := raw.get(b"x-api-key")) is None:
                raise Unauthorized(_MISSING, headers={"www-authenticate": "Bearer"})
            given = b"Bearer " + alone  # as Anthropic's clients have it
        key = keyring.find(given)
        if key is None:
            key = _second_look(given, raw.get(b"x-api-key"), keyring)
        tenant, labels, allowance = key.name, key.labels, key.allowance
    tier, threshold, budget = raw.get(b"x-router-tier"), raw.get(_THRESHOLD), raw.get(_BUDGET)
    session, control = raw.get(b"x-router-session"), raw.get(b"cache-control")
    return Caller(
        tenant,
        labels,
        Headers(raw),
        tier.decode("latin-1") if tier else None,
        None if threshold is None else _number(threshold, _THRESHOLD, 1.0),
        None if budget is None else _number(budget, _BUDGET, inf),
        session.decode("latin-1") if session else None,
        control.decode("latin-1") if control else "",
        allowance,
    )


def _second_look(given: bytes, alone: bytes | None, keyring: Keyring) -> Key:
    """Whose key it is where `Authorization` has none that is known: an empty one says nothing, so `x-api-key` may.

    Raises:
        Unauthorized: nobody's; says what is wrong with what was sent.
    """
    scheme, _, rest = given.strip().partition(b" ")
    empty = not rest and scheme.lower() in {b"", b"bearer"}
    if empty and alone is not None and (key := keyring.find(b"Bearer " + alone)) is not None:
        return key
    told = _WRONG
    if empty and not alone:
        told = _MISSING
    elif not empty and scheme.lower() != b"bearer":
        told = _BARE
    raise Unauthorized(told, headers={"www-authenticate": "Bearer"})


def _number(given: bytes, name: bytes, most: float) -> float:
    """A header that holds a number from 0 to `most`."""
    text = given.decode("latin-1")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 <= value <= most:
        return value
    span = "between 0 and 1" if most == 1 else "of at least 0"
    told = f"{name.decode()} must be a number {span}, not '{text}'"
    raise BadRequest(told, param=name.decode(), code="invalid_header")
