"""What is noted of a request on its way, on a clock that the test moves."""

import pytest

from router.chat import Usage
from router.clock import Clock
from router.decide import Candidate, Decision, Step
from router.ids import Signer, hashed, start_of
from router.journey import Journey
from tests.plans import plan

SIGNER = Signer(b"k" * 32)
PLAN = plan()
TUNED = Candidate(PLAN.tiers["tuned"], PLAN.deployments["small"])
FRONTIER = Candidate(PLAN.tiers["frontier"], PLAN.deployments["big"])


class Hands:
    """A clock's hands."""

    def __init__(self) -> None:
        self.now = 100.0

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, wall=lambda: 1_700_000_000.0, draw=lambda: 0.5, token=bytes)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_waiting_for_upstreams_is_not_what_we_added(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    hands.now += 0.25
    since = journey.elapsed
    hands.now += 2.0
    journey.note(TUNED, "failed", "reset", since=since)
    since = journey.elapsed
    hands.now += 1.0
    journey.note(FRONTIER, "served", since=since, usage=Usage(1000, 1000))
    hands.now += 0.5
    journey.answered()
    hands.now += 8.0
    outcome = journey.outcome()
    assert [attempt.waited for attempt in outcome.attempts] == [2.0, 1.0]
    assert (outcome.seconds, outcome.first, outcome.overhead) == (11.75, 3.75, 0.75)
    assert outcome.started == 1_700_000_000.0


def test_an_answer_that_never_left_has_no_first_byte(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    hands.now += 0.5
    outcome = journey.outcome(499, "left", "client_left")
    assert (outcome.first, outcome.overhead, outcome.end) == (None, 0.5, "left")


def test_usage_and_a_price_make_a_cost(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    journey.note(TUNED, "escalated", "truncated", since=0.0, usage=Usage(1_000_000, 0))
    journey.note(FRONTIER, "served", since=0.0)
    assert [attempt.cost for attempt in journey.outcome().attempts] == [1.0, None]


def test_a_stream_that_has_ended_says_how(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p", stream=True)
    hands.now += 1.0
    journey.note(TUNED, "served", since=0.0)
    hands.now += 9.0
    journey.amend(TUNED, "failed", "reset", Usage(0, 1_000_000))
    [attempt] = journey.outcome().attempts
    assert (attempt.result, attempt.verdict, attempt.cost, attempt.waited) == ("failed", "reset", 1.0, 1.0)


def test_its_id_is_made_once_and_carries_what_was_known_then(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p", "ann")
    journey.route = PLAN.routes["auto"]
    journey.decision = Decision((Step(TUNED.tier, TUNED.tier.deployments),), "easy", band=3)
    journey.note(TUNED, "served", since=0.0)
    first = journey.outcome().id
    journey.note(FRONTIER, "served", since=0.0)
    assert journey.outcome().id == first
    facts = SIGNER.verify(first)
    assert facts is not None
    assert (facts.tenant, facts.route, facts.model) == tuple(map(hashed, ("ann", "auto", "small")))
    assert facts.tier == start_of("tuned", PLAN.routes["auto"].state)
    assert (facts.band, facts.propensity) == (3, 1.0)


def test_two_requests_have_two_ids() -> None:
    assert Journey(Clock(), SIGNER, "p").outcome().id != Journey(Clock(), SIGNER, "p").outcome().id


def test_the_time_that_a_deployment_asked_for_is_not_what_we_added(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    hands.now += 1.0
    journey.paused(1.0)
    hands.now += 0.25
    assert journey.outcome(503, "error").overhead == 0.25


def test_a_first_chunk_is_noted_with_the_stream_it_began(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    journey.first_chunk(0.5)
    journey.note(TUNED, "escalated", "truncated", since=0.0)
    journey.note(FRONTIER, "served", since=0.0)
    assert [attempt.first for attempt in journey.outcome().attempts] == [0.5, None]


def test_its_id_names_whose_answer_the_client_hears(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    journey.route = PLAN.routes["auto"]
    journey.note(TUNED, "served", "refused", since=0.0)
    journey.note(FRONTIER, "failed", "status_503", since=0.0)
    journey.speaker = 0  # the draft: nobody had a better one
    facts = SIGNER.verify(journey.outcome().id)
    assert facts is not None
    assert facts.model == hashed("small")


def test_an_id_that_is_told_before_anybody_has_answered_names_nobody(hands: Hands) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    journey.note(TUNED, "escalated", "truncated", since=0.0)
    facts = SIGNER.verify(journey.outcome().id)
    assert facts is not None
    assert facts.model == hashed("")


@pytest.mark.parametrize("reason", ["forced", "rule:x", "pinned", "novel", "cost"])
def test_what_difficulty_did_not_decide_is_of_no_band_in_its_id(hands: Hands, reason: str) -> None:
    journey = Journey(hands.clock, SIGNER, "p")
    journey.route = PLAN.routes["auto"]
    journey.decision = Decision((Step(TUNED.tier, TUNED.tier.deployments),), reason, band=3)
    facts = SIGNER.verify(journey.outcome().id)
    assert facts is not None
    assert facts.band is None
