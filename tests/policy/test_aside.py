"""What a policy may say about learning from traffic."""

import pytest
from pydantic import ValidationError

from router.policy import loads
from router.policy.aside import Explore
from tests.plans import TWO_TIERS, plan


def test_nothing_explores_unless_it_is_asked_for() -> None:
    assert plan().routes["auto"].explore == 0.0
    assert plan(TWO_TIERS.replace("auto: {", "auto: {explore: {rate: 0.02}, ")).routes["auto"].explore == 0.02


def test_most_requests_go_where_the_policy_sends_them() -> None:
    assert Explore(rate=0.5).rate == 0.5
    with pytest.raises(ValidationError, match="rate is at most"):
        Explore(rate=0.51)


def test_exploring_is_told_in_the_policy_as_it_is_read() -> None:
    assert loads(TWO_TIERS).routes["auto"].explore.rate == 0.0
