"""The whole policy as frozen values, and its JSON Schema."""

from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from router.policy import json_schema
from router.policy.checks import Check, Plain
from router.policy.schema import Policy, Server, Tier


@pytest.fixture
def policy() -> Policy:
    return Policy.model_validate(
        {
            "version": 1,
            "deployments": {"a": {"model": "m", "base_url": "http://127.0.0.1:1/v1"}},
            "tiers": {"tuned": {"deployments": ["a"]}},
            "routes": {"auto": {"cascade": [{"tier": "tuned"}]}},
        }
    )


def test_a_policy_made_by_hand_comes_from_nowhere(policy: Policy) -> None:
    assert policy.files == frozenset()
    assert policy.version_hash == "000000000000"
    assert policy.where("routes", "auto") == ("", 0)
    assert policy.path("keys.yaml") == Path("keys.yaml")


def test_the_defaults_are_those_of_the_design(policy: Policy) -> None:
    assert policy.tiers["tuned"] == Tier(deployments=("a",), balance="least_busy", checks=(Check(complete=Plain()),))
    assert (policy.cache.url, policy.state.path, policy.auth) == ("memory://", ".smallfirst", None)
    assert policy.server == Server(max_body=32 * 1024 * 1024)


@pytest.mark.parametrize(("hold", "kept"), [(0, 0), (8, 8), ("all", "all"), (None, None)])
def test_hold_is_chunks_or_all(hold: object, kept: object) -> None:
    assert Tier.model_validate({"deployments": ["a"], "hold": hold}).hold == kept


@pytest.mark.parametrize("hold", [-1, 1.5, True, "some", [1]])
def test_hold_is_nothing_else(hold: object) -> None:
    with pytest.raises(ValidationError, match="must be a number of chunks"):
        Tier.model_validate({"deployments": ["a"], "hold": hold})


def test_editors_get_every_block_with_its_sentences() -> None:
    schema = cast("dict[str, Any]", json_schema())

    assert schema["required"] == ["version"]
    assert schema["additionalProperties"] is False
    assert {"Deployment", "Tier", "Route", "Rule", "When"} <= set(schema["$defs"])
    for name, block in schema["$defs"].items():
        assert block["additionalProperties"] is False, name
        assert all("description" in each for each in block["properties"].values()), name
