"""Values that nobody reads without the key."""

import pytest

from router.cache.seal import AesSeal
from router.clock import SYSTEM


def test_what_is_sealed_is_opened_with_the_same_secret_only() -> None:
    one, same, another = (AesSeal(secret, SYSTEM.token) for secret in ("a", "a", "b"))
    sealed = one.close(b"hello", b"here")

    assert same.open(sealed, b"here") == b"hello"
    assert b"hello" not in sealed
    assert sealed != one.close(b"hello", b"here")
    for seal, place in ((another, b"here"), (one, b"there")):
        with pytest.raises(ValueError, match="sealed with another key"):
            seal.open(sealed, place)
