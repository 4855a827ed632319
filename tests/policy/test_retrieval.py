"""What YAML may say about retrieval."""

import pytest
from pydantic import ValidationError

from router.policy.schema import Context


def test_the_address_is_enough() -> None:
    context = Context.model_validate({"url": "http://h/find/"})
    assert (context.url, context.top_k, context.timeout, context.on_error) == ("http://h/find", 4, 2.0, "skip")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"url": "http://ann:pw@h/find"}, "must not hold a user or password"),
        ({"url": "file:///etc/passwd"}, "must be an address with a host"),
        ({"url": "http://h/find?x=1"}, r"must not have '\?'"),
        ({"url": "http://h", "top_k": 51}, "at most 50"),
        ({"url": "http://h", "top_k": 0}, "1"),
        ({"url": "http://h", "on_error": "panic"}, "skip"),
    ],
)
def test_what_it_may_not_be(said: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Context.model_validate(said)
