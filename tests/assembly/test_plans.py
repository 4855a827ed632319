"""From a policy to a plan: every name a client may use, and what tells one plan from another."""

from pathlib import Path

import pytest

from router.assembly import plan_of, read
from router.policy import load
from router.pricing import PriceList
from tests.assembly.made import of
from tests.plans import TWO_TIERS, plan


def test_every_name_a_client_may_use_is_a_route() -> None:
    made = plan()
    assert {name: route.kind for name, route in made.routes.items()} == {
        "auto": "route",
        "tuned": "tier",
        "frontier": "tier",
        "small": "deployment",
        "big": "deployment",
    }
    assert [rung.below for rung in made.routes["auto"].cascade] == [0.3, 0.0]


def test_a_tier_s_route_is_that_tier_and_a_deployment_s_is_bare() -> None:
    made = of("model: m", tier="deployments: [a], params: {temperature: 0}")
    assert made.routes["tuned"].cascade[0].tier is made.tiers["tuned"]
    bare = made.routes["a"].cascade[0].tier
    assert (bare.checks, bare.params, bare.hold, [one.name for one in bare.deployments]) == ((), {}, 0, ["a"])
    assert made.routes["a"].estimate is None
    assert made.routes["a"].rules == ()


def test_personal_data_are_looked_for_only_where_a_rule_asks() -> None:
    assert not plan().reads_pii
    rule = 'auto: {rules: [{name: p, when: {pii: [email]}, require: {eu: "yes"}}], '
    assert plan(TWO_TIERS.replace("auto: {", rule)).reads_pii


def test_the_time_it_was_made_is_whole_seconds() -> None:
    assert of("model: m").created == 1_700_000_000


def test_a_file_is_read_with_the_environment(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(TWO_TIERS.replace("model: s", "model: ${MODEL}"))
    policy, made = read(tmp_path / "policy.yaml", {"MODEL": "tuned-7"}, now=0.0)
    assert made.deployments["small"].model == "tuned-7"
    assert made.version == policy.version_hash


def _identities(policy: str) -> tuple[str, str]:
    route = plan(policy).routes["auto"]
    return route.state, route.answers


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("price: {input: 1, output: 1}", "price: {input: 2, output: 2}", (False, False)),
        ("model: s\n", "model: s\n    api_key: sk-other\n", (False, False)),
        ("127.0.0.1:1/v1", "127.0.0.1:9/v1", (False, True)),
        ("below: 0.3", "below: 0.4", (True, False)),
        ("model: s\n", "model: s2\n", (True, True)),
        ("tuned: {deployments: [small]}", "tuned: {deployments: [small], checks: [refusal]}", (False, True)),
        ("tuned: {deployments: [small]}", "tuned: {deployments: [small], params: {top_p: 0.5}}", (True, True)),
        ("version: 1", "version: 1\nserver: {max_body: 1MiB}", (False, False)),
    ],
)
def test_what_was_learned_and_what_was_answered_belong_to_what_they_came_from(
    before: str, after: str, changed: tuple[bool, bool]
) -> None:
    assert before in TWO_TIERS
    learned, answered = _identities(TWO_TIERS)
    now = _identities(TWO_TIERS.replace(before, after, 1))
    assert (now[0] != learned, now[1] != answered) == changed


def test_a_prompt_file_that_is_edited_is_another_prompt(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        TWO_TIERS.replace("tuned: {deployments: [small]}", "tuned: {deployments: [small], prompt: {system: lean.md}}")
    )
    made = []
    for text in ("be brief", "be very brief", "be brief"):
        (tmp_path / "lean.md").write_text(text)
        route = plan_of(load(tmp_path / "p.yaml", {}), PriceList(), now=0.0).routes["auto"]
        made.append((route.state, route.answers))
    assert made[0] == made[2]
    assert made[0][0] != made[1][0]
    assert made[0][1] != made[1][1]
