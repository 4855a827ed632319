"""One value, many views: what headers and the log line say of the same request."""

from dataclasses import replace

import orjson
import pytest

from router.chat import Usage
from router.decide import Decision, Step
from router.log import line
from router.outcome import Attempt, Outcome, headers
from tests.plans import plan

TIERS = plan().tiers
DECISION = Decision(
    tuple(Step(tier, tier.deployments) for tier in TIERS.values()), "easy", difficulty=0.25, threshold=0.3, band=2
)
CUT = Attempt("tuned", "small", "escalated", "truncated", Usage(10, 20), 0.001)
GOOD = Attempt("frontier", "big", "served", "ok", Usage(10, 30), 0.02)
DOWN = Attempt("tuned", "small", "failed", "status_503")
OPEN = Attempt("tuned", "small", "skipped", "open")
SERVED = Outcome(
    *("req_1", "0123456789ab", 1_700_000_000.0, "auto", "route", "ann"),
    decision=DECISION,
    attempts=(CUT, GOOD),
    seconds=1.5,
    first=1.25,
    overhead=0.0005,
)


def shown(outcome: Outcome) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers(outcome)}


def test_the_headers_of_an_answer() -> None:
    assert shown(SERVED) == {
        "x-request-id": "req_1",
        "x-router-policy": "0123456789ab",
        "x-router-cache": "off",
        "x-router-route": "auto",
        "x-router-reason": "easy",
        "x-router-difficulty": "0.2500",
        "x-router-threshold": "0.3000",
        "x-router-tier": "frontier",
        "x-router-deployment": "big",
        "x-router-path": "tuned:truncated,frontier:ok",
        "x-router-cost-usd": "0.021000000",
    }


def test_a_stream_does_not_know_its_cost_when_it_begins() -> None:
    assert "x-router-cost-usd" not in shown(replace(SERVED, stream=True))


def test_a_request_that_was_turned_away_knows_little() -> None:
    assert shown(Outcome("req_1", "p", 0.0)).keys() == {"x-request-id", "x-router-policy", "x-router-cache"}


def test_no_estimate_means_no_difficulty() -> None:
    forced = replace(SERVED, decision=replace(DECISION, difficulty=None, threshold=None, reason="forced"))
    assert "x-router-difficulty" not in shown(forced)
    assert shown(forced)["x-router-reason"] == "forced"


def test_the_log_line_holds_facts() -> None:
    assert orjson.loads(line(SERVED)) == {
        "time": 1_700_000_000.0,
        "id": "req_1",
        "tenant": "ann",
        "route": "auto",
        "stream": False,
        "status": 200,
        "end": "ok",
        "error": None,
        "reason": "easy",
        "difficulty": 0.25,
        "threshold": 0.3,
        "start": "tuned",
        "propensity": 1.0,
        "tier": "frontier",
        "deployment": "big",
        "path": "tuned:truncated,frontier:ok",
        "cache": "off",
        "input_tokens": 10,
        "output_tokens": 30,
        "trimmed_tokens": 0,
        "trimmed_usd": 0,
        "cost_usd": 0.021,
        "seconds": 1.5,
        "first": 1.25,
        "overhead": 0.0005,
        "policy": "0123456789ab",
    }


def test_the_log_line_of_a_request_that_was_turned_away_has_the_same_fields() -> None:
    told = orjson.loads(line(Outcome("req_1", "p", 0.0, status=401, end="error", error="invalid_api_key")))
    assert told.keys() == orjson.loads(line(SERVED)).keys()
    assert (told["route"], told["path"], told["cost_usd"], told["tier"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("attempts", "cost"),
    [
        ((GOOD,), 0.02),
        ((CUT, GOOD), 0.021),
        ((DOWN, GOOD), 0.02),
        ((OPEN, GOOD), 0.02),
        ((CUT, replace(GOOD, cost=None)), None),
        ((replace(CUT, cost=None), GOOD), None),
        ((), 0.0),
    ],
)
def test_one_cost_that_is_unknown_makes_the_sum_unknown(attempts: tuple[Attempt, ...], cost: float | None) -> None:
    assert replace(SERVED, attempts=attempts).cost == cost


def test_escalations_are_no_fallbacks() -> None:
    assert replace(SERVED, attempts=(CUT, DOWN, OPEN, GOOD)).fallbacks == [DOWN, OPEN]
    assert replace(SERVED, attempts=(DOWN,)).fallbacks == [], "nobody stepped in"


LAST_DOWN = Attempt("frontier", "big", "failed", "status_429")


@pytest.mark.parametrize(
    ("attempts", "speaker", "heard"),
    [((CUT, GOOD), None, GOOD), ((DOWN, LAST_DOWN, DOWN), 1, LAST_DOWN), ((), None, None)],
)
def test_who_the_client_heard(attempts: tuple[Attempt, ...], speaker: int | None, heard: Attempt | None) -> None:
    assert replace(SERVED, attempts=attempts, speaker=speaker).heard == heard


@pytest.mark.parametrize(("saved", "usd"), [((0.001, 0.002), 0.003), ((0.001, None), None)])
def test_what_lean_prompts_saved_adds_up_over_answers_and_is_unknown_when_one_is(
    saved: tuple[float, float | None], usd: float | None
) -> None:
    attempts = [Attempt("tuned", "small", "served", trimmed=7, saved=one) for one in saved]
    outcome = replace(SERVED, attempts=(*attempts, Attempt("tuned", "small", "failed", "reset")))

    assert (outcome.trimmed, outcome.saved) == (14, usd)
