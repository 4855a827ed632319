"""What every block of a policy has in common."""

import pytest
from pydantic import ValidationError

from router.policy.deployments import Breaker


def test_nothing_unknown_is_accepted() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Breaker.model_validate({"failure": 3})


def test_nothing_changes_after_loading() -> None:
    breaker = Breaker()

    with pytest.raises(ValidationError, match="frozen"):
        breaker.failures = 6  # type: ignore[misc]


def test_what_was_written_is_not_repeated_by_pydantic() -> None:
    with pytest.raises(ValidationError) as error:
        Breaker.model_validate({"failures": "sk-secret"})

    assert "input_value" not in str(error.value)
