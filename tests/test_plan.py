"""What a policy comes to."""

import dataclasses

import pytest

from router.plan import Deployment
from tests.plans import plan


def test_every_name_is_a_route_of_its_kind() -> None:
    assert {name: route.kind for name, route in plan().routes.items()} == {
        "auto": "route",
        "tuned": "tier",
        "frontier": "tier",
        "small": "deployment",
        "big": "deployment",
    }


def test_a_plan_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().version = "other"  # type: ignore[misc]


def test_a_key_does_not_show() -> None:
    secret = dataclasses.replace(plan().deployments["small"], api_key="sk-secret")

    assert isinstance(secret, Deployment)
    assert "sk-secret" not in repr(secret)
