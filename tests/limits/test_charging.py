"""What a request has used: everything that its answer took."""

from dataclasses import replace
from typing import Any

from router.chat import Choice, Completion, Usage
from router.limits import Charge
from router.limits import charged as charge_of
from router.outcome import Attempt, Found, Judgement, Outcome, Result
from router.pricing import Price
from tests.plans import plan

SMALL = plan().deployments["small"]
PRICED = {"small": replace(SMALL, price=Price(1.0, 10.0)), "unpriced": replace(SMALL, price=None)}


def charged(outcome: Outcome, *, prompt: int = 0, cut: Completion | None = None) -> Charge:
    found = charge_of(outcome, PRICED, prompt=prompt, cut=cut)
    return Charge(found.tokens, round(found.usd, 9))


def said(text: str) -> Completion:
    return Completion((Choice("stop", text),), None, None)


def attempt(result: Result = "served", usage: Usage | None = None, cost: float | None = None, **more: Any) -> Attempt:
    return Attempt("tuned", more.pop("deployment", "small"), result, usage=usage, cost=cost, **more)


def outcome(*attempts: Attempt, **more: Any) -> Outcome:
    return Outcome("req", "p", 0.0, attempts=attempts, **more)


def test_every_answer_counts_that_was_paid_for() -> None:
    ended = outcome(
        attempt("failed"),
        attempt("escalated", Usage(10, 20), 0.001),
        attempt("served", Usage(30, 40), 0.01),
        judgements=(
            Judgement("tuned", "judge", "rejected", 0.1, 0.5),
            Judgement("tuned", "judge", "failed", None, None),
        ),
    )

    assert charged(ended) == Charge(100, 0.511)


def test_what_was_remembered_or_joined_used_nothing() -> None:
    found = Found("tuned", "small", "served", usage=Usage(10, 20), cost=0.0)

    assert charged(outcome(found=found, cache="hit")) == Charge()


def test_a_stream_that_was_cut_off_is_estimated_from_what_came() -> None:
    left = outcome(attempt("left"), end="left", status=499)

    assert charged(left, prompt=100, cut=said("x" * 400)) == Charge(200, 0.0011)
    assert charged(left, prompt=100) == Charge(100, 0.0001)


def test_a_stream_that_broke_is_paid_for_as_far_as_it_came_and_a_failure_is_not() -> None:
    broken = outcome(attempt("failed"), attempt("failed"), end="broken")

    assert charged(broken, prompt=8, cut=said("four")).tokens == 9
    assert charged(outcome(attempt("failed"), end="error"), prompt=8) == Charge()


def test_an_answer_without_usage_is_estimated_from_its_text() -> None:
    calls: tuple[dict[str, Any], ...] = (
        {"function": {"name": "find", "arguments": "{'id': 7}   "}},
        {"function": None},
        {},
    )
    answer = Completion((Choice("stop", "x" * 8, "y" * 4, calls),), None, None)
    drafted = outcome(attempt("escalated"), attempt("served"), answer=answer, drafts={"tuned": said("x" * 40)})

    assert charged(drafted, prompt=100) == Charge(216, 0.00036)


def test_an_unknown_price_is_no_price_and_an_unknown_deployment_neither() -> None:
    ended = outcome(attempt(usage=Usage(1, 2), deployment="unpriced"), attempt(usage=Usage(3, 4), deployment="gone"))

    assert charged(ended) == Charge(10, 0.0)
