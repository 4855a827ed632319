"""Who asks, and what they ask for in headers."""

from collections.abc import Mapping
from typing import Any

from router.consider import Caller
from router.errors import BadRequest, Unauthorized
from router.keys import Keyring

__all__ = ["identify"]

Scope = Mapping[str, Any]

_MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)
_WRONG = "Incorrect API key provided. Ask whoever runs this proxy for one (`smallfirst keys add`)."


def identify(scope: Scope, keyring: Keyring | None) -> Caller:
    """Read an ASGI scope's headers. Without a keyring everybody may ask, whatever key they bring.

    Raises:
        Unauthorized: there is a keyring, and the key is missing or not in it.
        BadRequest: a header of ours does not hold what it should.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    tenant: str | None = None
    labels: Mapping[str, str] = {}
    if keyring is not None:
        given = headers.get("authorization")
        if given is None:
            raise Unauthorized(_MISSING, headers={"www-authenticate": "Bearer"})
        key = keyring.find(given.encode("latin-1"))
        if key is None:
            raise Unauthorized(_WRONG, headers={"www-authenticate": "Bearer"})
        tenant, labels = key.name, key.labels
    return Caller(
        tenant,
        labels,
        headers,
        headers.get("x-router-tier") or None,
        _number(headers, "x-router-threshold", 1.0),
        _number(headers, "x-router-max-cost-usd", float("inf")),
        headers.get("x-router-session") or None,
    )


def _number(headers: Mapping[str, str], name: str, most: float) -> float | None:
    """A header that holds a number from 0 to `most`; None when it is not there."""
    if (text := headers.get(name)) is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 <= value <= most:
        return value
    span = "between 0 and 1" if most == 1 else "of at least 0"
    raise BadRequest(f"{name} must be a number {span}, not '{text}'", param=name, code="invalid_header")
