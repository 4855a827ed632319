"""Which requests are looked at, and what they stand for."""

from dataclasses import replace
from typing import Any

import pytest

from router.consider import Caller
from router.shadow.looking import Look, look
from tests.canned import Canned, answer
from tests.shadow.served import SHADOWED, THREE_TIERS, policy, route_of, served

HARD = SHADOWED.replace("difficulty: 0.2", "difficulty: 0.9")


def asks(looked: Look | None) -> list[str]:
    return [step.tier.name for step in looked.ask] if looked else []


async def test_after_the_small_tier_the_large_one_is_asked_and_the_other_way_round() -> None:
    easy = look(await served(), route_of(), 0.1)
    hard = look(await served(text=HARD), route_of(HARD), 0.001)
    assert easy is not None
    assert hard is not None
    assert (easy.served, asks(easy), hard.served, asks(hard)) == ("tuned", ["frontier"], "frontier", ["tuned"])
    assert [easy.weight("tuned"), hard.weight("tuned")] == pytest.approx([5, 100])


@pytest.mark.parametrize(("text", "draw"), [(SHADOWED, 0.2), (HARD, 0.01), (HARD, 0.19)])
async def test_the_dice_are_thrown_by_the_tier_that_served(text: str, draw: float) -> None:
    assert look(await served(text=text), route_of(text), draw) is None


async def test_it_is_asked_for_one_whole_answer_that_nobody_keeps() -> None:
    more: dict[str, Any] = {"n": 3, "store": True, "temperature": 0.5, "x_new": 1}
    outcome = await served(Canned(answer("a")), **more)
    looked = look(outcome, route_of(), 0.0)
    assert looked is not None
    assert not looked.request.stream
    assert looked.request.body.keys() == {"model", "messages", "temperature", "x_new"}
    assert outcome.request is not None
    assert outcome.request.body["n"] == 3  # the client's own is left alone


@pytest.mark.parametrize(
    "caller",
    [Caller(tier="tuned"), Caller(tier="frontier")],
)
async def test_what_was_forced_is_left_alone(caller: Caller) -> None:
    assert look(await served(caller=caller), route_of(), 0.0) is None


@pytest.mark.parametrize(
    "rule",
    [
        '{name: eu, when: {images: false}, require: {eu: "yes"}}',
        "{name: up, when: {images: false}, start: frontier}",
        "{name: down, when: {images: false}, start: tuned}",
    ],
)
async def test_where_rules_protect_nobody_looks(rule: str) -> None:
    text = SHADOWED.replace("auto: {", f"auto: {{rules: [{rule}], ")
    assert look(await served(text=text), route_of(text), 0.0) is None


async def test_what_went_wrong_or_was_not_heard_is_not_looked_at() -> None:
    outcome = await served()
    assert look(replace(outcome, end="left"), route_of(), 0.0) is None
    assert look(replace(outcome, end="broken"), route_of(), 0.0) is None
    assert look(replace(outcome, answer=None), route_of(), 0.0) is None
    assert look(replace(outcome, attempts=()), route_of(), 0.0) is None
    assert outcome.decision is not None
    assert look(replace(outcome, decision=replace(outcome.decision, reason="novel")), route_of(), 0.0) is None


async def test_a_tier_that_failed_is_not_asked_again() -> None:
    outcome = await served(Canned(answer(), status=500))
    assert outcome.path == "tuned:status_500,frontier:ok"
    assert look(outcome, route_of(), 0.0) is None


async def test_a_tier_that_cannot_do_it_is_not_asked() -> None:
    text = HARD.replace("context_window: 1000", "context_window: 1")
    assert look(await served(text=text), route_of(text), 0.0) is None


async def test_an_escalation_s_draft_needs_no_asking_and_stands_for_itself() -> None:
    outcome = await served(Canned(answer("cut off", "length")))
    looked = look(outcome, route_of(), 0.99)
    assert looked is not None
    assert (asks(looked), looked.rate, looked.weight("tuned")) == ([], None, 1.0)
    assert looked.answers["tuned"].choices[0].content == "cut off"


async def test_what_explored_stands_for_all_that_could_have() -> None:
    outcome = await served()
    assert outcome.decision is not None
    explored = replace(outcome, decision=replace(outcome.decision, reason="explore", propensity=0.05))
    looked = look(explored, route_of(), 0.0)
    assert looked is not None
    assert looked.weight("tuned") == pytest.approx(1 / (0.2 * 0.05))


async def test_of_three_tiers_all_others_are_asked_and_the_last_is_the_measure() -> None:
    two = await served(text=policy())
    three = route_of(THREE_TIERS)
    steps = two.decision and tuple(replace(two.decision.steps[0], tier=rung.tier) for rung in three.cascade)
    assert steps
    assert two.decision is not None
    decision = replace(two.decision, below=steps[:1], steps=steps[1:])
    looked = look(replace(two, decision=decision), three, 0.0)
    assert looked is not None
    assert (asks(looked), looked.last) == (["nano", "frontier"], "frontier")


async def test_what_another_model_wrote_for_itself_is_not_passed_on() -> None:
    call = {"id": "call_secret", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"role": "assistant", "content": "hm", "reasoning_content": "private", "tool_calls": [call]}
    messages = [{"role": "user", "content": "a"}, said, {"role": "tool", "tool_call_id": "call_secret", "content": "1"}]
    outcome = await served(messages=[*messages, {"role": "user", "content": "and now?"}])
    looked = look(outcome, route_of(), 0.0)
    assert looked is not None
    assert "private" not in str(looked.request.body)
    assert "call_secret" not in str(looked.request.body)
    assert outcome.request is not None
    assert "private" in str(outcome.request.body)
