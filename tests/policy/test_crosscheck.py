"""Do the parts fit together? The golden policies show each mistake; here are the corners between them."""

import yaml

from router.policy.crosscheck import crosscheck
from router.policy.source import spelled

POLICY = """
deployments:
  small: {base_url: u, labels: {region: eu}}
  large: {base_url: u, labels: {region: us}}
tiers: {tuned: {deployments: [small]}, frontier: {deployments: [large]}}
routes:
  auto: {cascade: [{tier: tuned, below: 0.3}, {tier: frontier}], rules: RULES}
  other: {cascade: [{tier: frontier}]}
"""


def said(rules: str = "[]", policy: str = POLICY) -> list[str]:
    tree = yaml.safe_load(policy.replace("RULES", rules))
    return [f"{spelled(each.path)}: {each.message}" for each in crosscheck(tree, {})]


def test_what_fits_is_passed_in_silence() -> None:
    assert (
        said("[{start: frontier}, {route: other}, {require: {region: eu}}, {require: {region: us}, start: frontier}]")
        == []
    )


def test_a_requirement_is_judged_where_the_rule_leads() -> None:
    assert said("[{require: {region: eu}, start: frontier}]") == [
        "routes.auto.rules[0].require: no deployment this rule can reach has region: eu"
    ]
    assert said("[{require: {region: eu}, route: other}]") == [
        "routes.auto.rules[0].require: no deployment this rule can reach has region: eu"
    ]


def test_where_the_rule_leads_nowhere_only_that_is_said() -> None:
    assert said("[{require: {region: eu}, route: nowhere}]") == ["routes.auto.rules[0].route: no route named 'nowhere'"]


def test_a_start_known_only_to_the_cascade_is_the_cascades_fault() -> None:
    policy = POLICY.replace("tier: frontier}], rules", "tier: fronteir}], rules")

    assert said("[{start: fronteir}]", policy) == ["routes.auto.cascade[1].tier: no tier named 'fronteir'"]


def test_circles_of_any_length_are_found_and_their_tails_are_not_accused() -> None:
    routes = {"a": "b", "b": "c", "c": "a", "tail": "a"}
    tree = {"routes": {name: {"rules": [{"route": target}]} for name, target in routes.items()}}

    assert [f"{spelled(each.path)}: {each.message}" for each in crosscheck(tree, {})] == [
        "routes.a.rules[0].route: leads in a circle: a → b → c → a",
        "routes.b.rules[0].route: leads in a circle: b → c → a → b",
        "routes.c.rules[0].route: leads in a circle: c → a → b → c",
    ]


def test_two_ways_to_one_route_are_no_circle() -> None:
    tree: object = {
        "routes": {"a": {"rules": [{"route": "b"}, {"route": "c"}]}, "b": {"rules": [{"route": "c"}]}, "c": {}}
    }

    assert list(crosscheck(tree, {})) == []


def test_strange_shapes_are_left_to_validation() -> None:
    strange: list[object] = [None, [], {"routes": 3}, {"routes": {"a": [{}]}}, {"deployments": [{}]}]
    for tree in strange:
        assert list(crosscheck(tree, {})) == []
