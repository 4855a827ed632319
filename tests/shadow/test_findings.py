"""What comparisons are evidence of."""

from dataclasses import replace

import pytest

from router.comparing import Compared, Judgement
from router.shadow.findings import agreement, gained, quality
from router.shadow.looking import Look, look
from tests.canned import Canned, answer
from tests.shadow.served import policy, route_of, served

ALIKE, APART = Compared(1.0, "exact"), Compared(0.1, "f1")


async def shadowed(rate: float = 0.25) -> Look:
    text = policy(rate=rate)
    looked = look(await served(text=text), route_of(text), 0.0)
    assert looked is not None
    return looked


async def escalated(verdict: str = "ok") -> Look:
    outcome = await served(Canned(answer("cut", "length")), text=policy())
    outcome = replace(outcome, attempts=(outcome.attempts[0], replace(outcome.attempts[1], verdict=verdict)))
    looked = look(outcome, route_of(policy()), 0.0)
    assert looked is not None
    return looked


async def test_agreement_is_told_as_agreement() -> None:
    looked = await shadowed()
    found = agreement(looked, "tuned", APART, passed=True)
    assert found is not None
    assert (found.id, found.route, found.state) == (looked.outcome.id, "auto", looked.outcome.state)
    assert (found.tier, found.score, found.reference, found.weight) == ("tuned", 0.1, 1.0, 4.0)
    assert (found.measure, found.source, found.passed) == ("agreement", "shadow", True)


async def test_a_judge_s_word_is_told_as_quality() -> None:
    found = quality(await shadowed(), "tuned", Judgement(0.8, 0.9), passed=False)
    assert found is not None
    assert (found.score, found.reference, found.measure, found.source, found.passed) == (
        *(0.8, 0.9, "quality", "judge"),
        False,
    )


async def test_what_explored_says_so() -> None:
    looked = await shadowed()
    explored = replace(looked, decision=replace(looked.decision, reason="explore", propensity=0.5))
    found = agreement(explored, "tuned", ALIKE, passed=True)
    assert found is not None
    assert (found.source, found.weight) == ("explore", 8.0)


async def test_a_judge_is_believed_only_about_what_was_drawn() -> None:
    assert quality(replace(await shadowed(), rate=None), "tuned", Judgement(1.0, 1.0), passed=True) is None


@pytest.mark.parametrize(
    ("compared", "judged", "verdict", "gain"),
    [
        (APART, None, "ok", "rescued"),
        (ALIKE, None, "ok", "same"),
        (APART, None, "refused", "same"),  # one answer that is not good enough for another
        (APART, Judgement(0.2, 0.9), "ok", "rescued"),
        (APART, Judgement(0.9, 0.2), "ok", "worse"),
        (APART, Judgement(0.9, 0.95), "ok", "same"),
        (None, None, "ok", "same"),
    ],
)
async def test_what_an_escalation_was_good_for(
    compared: Compared | None, judged: Judgement | None, verdict: str, gain: str
) -> None:
    assert gained(await escalated(verdict), compared, judged) == gain
