"""The request id: signed, so that feedback that comes back with it can be counted on any replica and long after.

An id is `req_` and 56 URL-safe characters: 42 bytes, a multiple of three, so that every character counts::

    version 1 · time in ms 6 · tenant 4 · route 4 · tier 4 · model 4 · band 1 · propensity 2 · nonce 6 · signature 10

Names travel as 32-bit hashes: an id does not tell a client what a deployment is called, and whoever reads an id knows
the names it may stand for (`name_of`). The signature is keyed BLAKE2b; 80 bits are beyond guessing over HTTP.
"""

import hmac
import math
import os
import tempfile
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from struct import Struct

from router.frozen import frozen

__all__ = ["NONCE_BYTES", "IdFacts", "Signer", "about", "hashed", "load_or_make_key", "name_of", "start_of"]

NONCE_BYTES = 6
"""Random bytes an id needs: among a hundred ids of one millisecond, two are alike once in 60 billion milliseconds."""

_PREFIX = "req_"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_VERSION = 1
_NO_BAND = 255
_SAID = Struct(">4IBH")
_SAID_AT = 7
_PAYLOAD_BYTES = _SAID_AT + _SAID.size + NONCE_BYTES
_SIGNATURE_BYTES = 10
_TEXT_LENGTH = len(_PREFIX) + (_PAYLOAD_BYTES + _SIGNATURE_BYTES) // 3 * 4
_KEY_BYTES = 32
_STEPS = 4096


@frozen
class IdFacts:
    """What feedback needs to know about the request it speaks of; names as `hashed`."""

    tenant: int
    route: int
    tier: int
    """The tier the request started at, and what its route was like then: as `start_of`."""
    model: int
    """The model that answered."""
    band: int | None
    """The slice of difficulty, 0 to 9, when a difficulty was estimated."""
    propensity: float
    """How likely it was to start at this tier, in (0, 1]; kept to within 0.01 % of itself, as it is divided by."""
    time: float
    """Seconds since 1970, kept to the millisecond."""


@lru_cache(maxsize=4096)
def hashed(name: str) -> int:
    """Give the 32 bits that stand for a name in an id."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4, person=b"smallfirst name").digest())


def start_of(tier: str, state: str) -> int:
    """Give the 32 bits that stand for a tier to start at, of a route in this state (`Route.state`).

    Feedback may come months later, when there is another model behind the same name: it says nothing about that one.
    """
    return hashed(f"{tier} {state}")


@lru_cache(maxsize=4096)
def about(tenant: str, route: tuple[str, str], start: tuple[str, int | None, float], model: str) -> bytes:
    """Pack what an id says beside its time; thousands of requests have it in common, and it costs more than signing.

    Args:
        tenant: whose request it is.
        route: its name and state.
        start: the tier, the band of difficulty, and how likely it was to start there, as in `IdFacts`.
        model: the deployment that answered.
    """
    (name, state), (tier, band, propensity) = route, start
    return _SAID.pack(
        hashed(tenant),
        hashed(name),
        start_of(tier, state),
        hashed(model),
        _NO_BAND if band is None else band,
        _quantised(propensity),
    )


def name_of(number: int, names: Iterable[str]) -> str | None:
    """Say which of these names a number of an id stands for, if any: `name_of(facts.route, policy.routes)`."""
    return next((name for name in names if hashed(name) == number), None)


class Signer:
    """Makes ids, and reads those that were made with the same key."""

    __slots__ = ("_before", "_keyed")

    def __init__(self, key: bytes) -> None:
        """Take a secret of 16 to 64 bytes."""
        self._keyed = self._before = _keyed(key)

    def adopt(self, key: bytes) -> None:
        """Sign with another key from now on; what was signed with the first one is still recognised.

        Raises:
            ValueError: it is no key.
        """
        self._keyed = _keyed(key)

    def sign(self, said: bytes, time: float, nonce: bytes) -> str:
        """Make an id of what `about` packed; the nonce tells it from others of the same millisecond.

        Args:
            said: what `about` gave.
            time: seconds since 1970.
            nonce: `NONCE_BYTES` random bytes.
        """
        payload = (_VERSION << 48 | round(time * 1000)).to_bytes(_SAID_AT) + said + nonce
        return _text(payload + _signature(self._keyed, payload))

    def verify(self, text: str) -> IdFacts | None:
        """Read an id; None when it is not one of ours, to the last character."""
        if len(text) != _TEXT_LENGTH or not text.isascii():
            return None
        try:
            raw = urlsafe_b64decode(text[len(_PREFIX) :])
        except ValueError:
            return None
        payload, given = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
        if not any(hmac.compare_digest(given, _signature(keyed, payload)) for keyed in (self._keyed, self._before)):
            return None
        if _text(raw) != text:  # decoding is lenient: `+` for `-`
            return None
        if payload[0] != _VERSION:
            return None
        tenant, route, tier, model, band, propensity = _SAID.unpack_from(payload, _SAID_AT)
        return IdFacts(
            tenant,
            route,
            tier,
            model,
            band=None if band == _NO_BAND else band,
            propensity=2.0 ** (-propensity / _STEPS),
            time=int.from_bytes(payload[1:_SAID_AT]) / 1000,
        )


def _text(raw: bytes) -> str:
    """In URL-safe base64, without the two calls that `urlsafe_b64encode` is."""
    return f"{_PREFIX}{b2a_base64(raw, newline=False).translate(_URL_SAFE).decode()}"


def _keyed(key: bytes) -> blake2b:
    if not 16 <= len(key) <= 64:
        message = f"a signing key has 16 to 64 bytes, not {len(key)}"
        raise ValueError(message)
    return blake2b(key=key, digest_size=_SIGNATURE_BYTES, person=b"smallfirst id")


def _signature(keyed: blake2b, payload: bytes) -> bytes:
    signing = keyed.copy()
    signing.update(payload)
    return signing.digest()


def _quantised(propensity: float) -> int:
    """On a logarithmic scale, in steps of 1/4096 of a halving, down to 2⁻¹⁶: the relative error is what counts."""
    return min(round(-math.log2(propensity) * _STEPS), 0xFFFF)


def load_or_make_key(path: Path, from_environment: str | None, random_bytes: bytes) -> bytes:
    """Give the signing key: the environment's, else the file's, else a new one that the file keeps (mode 0600).

    Of several processes that start at once on one state folder, one makes the key and all get that one.

    Raises:
        ValueError: the file is no signing key; says what to do.
        OSError: the file can be neither read nor made.
    """
    if from_environment:
        return blake2b(from_environment.encode(), digest_size=_KEY_BYTES, person=b"smallfirst key").digest()
    if not path.exists():
        _publish(path, random_bytes.hex())
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        message = (
            f"{path}: not a signing key ({_KEY_BYTES} bytes in hexadecimal); restore it, or remove it to have a new "
            "one made: feedback for requests answered until now will then not be recognised"
        )
        raise ValueError(message)
    return key


def _publish(path: Path, text: str) -> None:
    """Make a file with this text, unless somebody else was faster; nobody ever sees it empty or half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()
