"""What a policy comes to."""

import dataclasses
import math

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


def test_a_tier_knows_what_every_deployment_of_it_can_take() -> None:
    deployments = plan().deployments
    deaf = dataclasses.replace(deployments["big"], context_window=4000, lacks=frozenset({"audio"}))

    tiers = plan().tiers
    mixed = dataclasses.replace(tiers["frontier"], deployments=(deployments["small"], deaf, deployments["big"]))

    assert (tiers["tuned"].window, tiers["frontier"].window) == (1000, math.inf)
    assert (mixed.window, mixed.lacks) == (1000, frozenset({"audio"}))


PROMPTED = """
version: 1
deployments:
  a: {provider: anthropic, model: claude-opus-4-7}
  b: {provider: bedrock, model: anthropic.claude-x, tune: {id: v1, prompt: {append: "Of the tune."}}}
  c: {provider: bedrock, model: llama}
  d: {base_url: "http://127.0.0.1:1/v1", model: claude}
tiers:
  tuned: {deployments: [a, b, c, d], prompt: {append: "Of the tier."}}
  frontier: {deployments: [a, b]}
routes:
  auto: {difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""


def test_a_tunes_prompt_wins_over_its_tiers_and_only_claudes_are_told_what_stays_the_same() -> None:
    tiers = plan(PROMPTED).tiers

    assert {name: (prompt.append, prompt.marks) for name, prompt in tiers["tuned"].prompts.items()} == {
        "a": (("Of the tier.",), True),
        "b": (("Of the tune.",), True),
        "c": (("Of the tier.",), False),
        "d": (("Of the tier.",), False),
    }
    assert tiers["frontier"].prompts.keys() == {"b"}


def test_a_deployment_that_a_client_names_gets_no_prompt_and_keeps_its_tune() -> None:
    one = plan(PROMPTED)
    (rung,) = one.routes["b"].cascade

    assert rung.tier.prompts == {}
    assert one.deployments["b"].tune is not None
    assert one.deployments["b"].tune.id == "v1"
