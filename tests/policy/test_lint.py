"""What is allowed and probably not meant; the golden policies `lint-*` show each caution."""

import pytest

from router.policy import lint, loads

POLICY = """
version: 1
deployments: {{a: {{base_url: http://127.0.0.1:1/v1, model: m}}}}
tiers: {{tuned: {{deployments: [a]}}}}
routes:
  auto:
    cascade: [{{tier: tuned}}]
    rules:
      - {{name: first, when: {{{first}}}, start: tuned}}
      - {{name: second, when: {{{second}}}, start: tuned}}
"""


def never_decides(first: str, second: str) -> bool:
    return any("never decides" in caution.message for caution in lint(loads(POLICY.format(first=first, second=second))))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("images: true", "images: true"),
        ("images: true", "images: true, audio: true"),
        ("pii: [email, card]", "pii: [card]"),
        ("tools: true", "tools: [refund]"),
        ("tools: [refund, cancel]", "tools: [cancel]"),
        ("tokens: {min: 10}", "tokens: {min: 20, max: 30}"),
        ("tokens: {max: 30}", "tokens: {min: 1, max: 30}"),
        ("language: [greek, thai]", "language: [thai]"),
        ("metadata: {a: x}", "metadata: {a: x, b: y}"),
        ("headers: {X-A: x}", "headers: {x-a: x}"),
        ("headers: {x-a: {regex: b}}", "headers: {x-a: {regex: b}}"),
        ("regex: abc", "regex: abc, turns: {max: 1}"),
    ],
)
def test_a_rule_behind_a_more_general_one_never_decides(first: str, second: str) -> None:
    assert never_decides(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("images: true", "images: false"),
        ("images: true, audio: true", "images: true"),
        ("pii: [card]", "pii: [email, card]"),
        ("tools: [refund]", "tools: true"),
        ("tools: false", "tools: [refund]"),
        ("tokens: {min: 20}", "tokens: {min: 10}"),
        ("tokens: {max: 20}", "tokens: {min: 10}"),
        ("tokens: {max: 20}", "tokens: {max: 30}"),
        ("metadata: {a: x, b: y}", "metadata: {a: x}"),
        ("metadata: {a: x}", "metadata: {a: y}"),
        ("headers: {x-a: b}", "headers: {x-a: {regex: b}}"),
        ("regex: abc", "regex: abcd"),
    ],
)
def test_a_rule_that_can_still_decide_is_left_alone(first: str, second: str) -> None:
    assert not never_decides(first, second)


def test_cautions_have_places_and_an_order() -> None:
    cautions = lint(loads(POLICY.format(first="key: {a: b}", second="images: true")), priced=[])

    assert [str(caution) for caution in cautions] == [
        "policy:3 deployments.a: no price, and none is known for 'm': its cost counts as unknown",
        "policy:9 routes.auto.rules[0].when.key: without auth.keys no request has key labels: never matches",
    ]


def test_prices_are_not_judged_without_a_list_of_prices() -> None:
    assert lint(loads(POLICY.format(first="images: true", second="audio: true"))) == ()


def test_a_requirement_is_judged_where_the_rule_leads() -> None:
    text = POLICY.format(first="images: true", second="audio: true").replace(
        "rules:", "rules:\n      - {name: third, when: {turns: {min: 2}}, require: {r: eu}, route: other}"
    )
    text = text.replace("model: m}", "model: m, labels: {r: eu}}").replace(
        "routes:", "routes:\n  other: {cascade: [{tier: tuned}]}"
    )

    assert lint(loads(text)) == ()
