"""What a policy may say about answers that are remembered."""

import pytest
from pydantic import ValidationError

from router.policy.caching import Cache, Exact, RouteCache


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (True, Exact()),
        (False, None),
        (None, None),
        ({"ttl": "10m", "sampled": True}, Exact(ttl=600, sampled=True)),
        (Exact(ttl=5), Exact(ttl=5)),
    ],
)
def test_exact_is_on_off_or_how(said: object, kept: Exact | None) -> None:
    assert RouteCache.model_validate({"exact": said}).exact == kept


@pytest.mark.parametrize("said", ["1h", 3600, [True]])
def test_exact_is_nothing_else(said: object) -> None:
    with pytest.raises(ValidationError, match="must be true, false or a block"):
        RouteCache.model_validate({"exact": said})


def test_neither_address_nor_key_is_shown() -> None:
    cache = Cache(url="redis://:hunter2@cache:6379/0", key="open sesame")

    assert "hunter2" not in repr(cache)
    assert "sesame" not in repr(cache)
    assert cache.model_dump() == {"memory": 16 * 2**20}
