"""Hard constraints, as a policy writes them."""

from typing import Any

import pytest

from router import signals
from router.policy.schema import When
from router.rules import FREE, Asked, Bounds, Rule, apply, conditions, reads_text
from tests.plans import asked

CARD = "4111 1111 1111 1111"


def facts(text: str = "hi", *, headers: Any = None, labels: Any = None, **more: Any) -> Asked:
    request = asked(text, **more)
    return Asked(request, signals.read(request, pii=True), headers or {}, labels or {})


def holds(when: dict[str, Any], asked_: Asked, system: str | None = None) -> bool:
    return all(condition(asked_) for condition in conditions(When.model_validate(when), system))


TOOL = {"type": "function", "function": {"name": "refund"}}
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ({"images": True}, facts(messages=IMAGE), facts()),
        ({"images": False}, facts(), facts(messages=IMAGE)),
        ({"json_schema": True}, facts(response_format={"type": "json_schema", "json_schema": {}}), facts()),
        ({"tools": True}, facts(tools=[TOOL]), facts()),
        ({"tools": False}, facts(), facts(tools=[TOOL])),
        ({"tools": ["refund"]}, facts(tools=[TOOL]), facts(tools=[{"type": "function", "function": {"name": "x"}}])),
        ({"pii": ["card"]}, facts(f"my card is {CARD}"), facts("my card is 4111 1111 1111 1112")),
        ({"pii": ["email", "iban"]}, facts("write to a@example.org"), facts(f"card {CARD}")),
        ({"tokens": {"min": 100}}, facts("word " * 200), facts()),
        ({"tokens": {"max": 100}}, facts(), facts("word " * 200)),
        ({"turns": {"min": 1, "max": 1}}, facts(), facts(messages=[{"role": "user", "content": "a"}] * 2)),
        ({"metadata": {"task": "triage"}}, facts(metadata={"task": "triage", "x": "y"}), facts(metadata=None)),
        ({"headers": {"X-Team": "billing"}}, facts(headers={"x-team": "billing"}), facts(headers={"x-team": "bill"})),
        ({"headers": {"x-job": {"regex": "^batch-"}}}, facts(headers={"x-job": "batch-7"}), facts()),
        ({"key": {"team": "billing"}}, facts(labels={"team": "billing"}), facts()),
        ({"regex": r"(?i)\binvoice\b"}, facts("My INVOICE is wrong"), facts("invoices")),
        ({"images": False, "turns": {"max": 1}}, facts(), facts(messages=IMAGE)),
    ],
    ids=str,
)
def test_a_condition_holds_where_it_should(when: dict[str, Any], matching: Asked, other: Asked) -> None:
    assert (holds(when, matching), holds(when, other)) == (True, False)


def test_a_known_system_prompt_is_known_whatever_its_white_space() -> None:
    known = facts(messages=[{"role": "system", "content": "You are\n  kind. "}, {"role": "user", "content": "hi"}])

    assert holds({"system": "prompts/kind.md"}, known, "You are kind.\n")
    assert not holds({"system": "prompts/kind.md"}, facts(), "You are kind.\n")


def test_personal_data_is_found_in_history_and_tool_results() -> None:
    told = facts(
        messages=[
            {"role": "user", "content": "look up my card"},
            {"role": "tool", "tool_call_id": "c", "content": f"card: {CARD}"},
            {"role": "user", "content": "thanks"},
        ]
    )

    assert holds({"pii": ["card"]}, told)


def rule(name: str, *, matches: bool = True, require: dict[str, str] | None = None, **target: Any) -> Rule:
    return Rule(name, (lambda _: matches,), require or {}, **target)


def test_no_rules_bind_nothing() -> None:
    assert apply([], facts()) is FREE


@pytest.mark.parametrize(
    ("when", "reads"),
    [({"pii": ["email"]}, True), ({"regex": "a"}, True), ({"language": ["greek"]}, True), ({"tools": True}, False)],
)
def test_what_looks_at_words_is_known(when: dict[str, Any], reads: bool) -> None:  # noqa: FBT001
    assert reads_text(When.model_validate(when)) is reads


def test_require_adds_up_over_every_match() -> None:
    rules = [
        rule("a", require={"eu": "yes"}),
        rule("b", require={"x": "1"}, matches=False),
        rule("c", require={"p": "1"}),
    ]

    assert apply(rules, facts()).require == {"eu": "yes", "p": "1"}


def test_requirements_that_contradict_are_met_by_nobody() -> None:
    rules = [rule("a", require={"region": "eu"}), rule("b", require={"region": "us"}), rule("c", require={"p": "1"})]

    assert apply(rules, facts(), {"p": "1"}).require == {"region": "eu and us", "p": "1"}


def test_of_start_and_route_the_first_match_wins() -> None:
    rules = [rule("no", matches=False, start="a"), rule("first", start="b"), rule("second", route="c")]

    assert apply(rules, facts()) == Bounds({}, "b", None, "first")


def test_a_rule_may_require_and_choose() -> None:
    assert apply([rule("both", require={"eu": "yes"}, start="b")], facts()) == Bounds({"eu": "yes"}, "b", None, "both")


def test_what_one_route_requires_binds_the_route_it_leads_to() -> None:
    assert apply([rule("here", require={"p": "1"})], facts(), {"eu": "yes"}).require == {"eu": "yes", "p": "1"}
