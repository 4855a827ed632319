"""Of several who say something about one answer, who knows best has the word."""

from router.records.facts import Fact, gather, scores
from tests.records.made import NOON


def said(source: str, score: float, time: float = NOON, **more: object) -> dict[str, object]:
    kind = "feedback" if source in {"feedback", "grader"} else "evidence"
    return {"kind": kind, "time": time, "id": "a", "source": source, "score": score, **more}


def heard(*records: dict[str, object]) -> dict[str, float]:
    facts = gather(records)["a"]
    return {tier: fact.score for tier, fact in scores(facts, "tuned", "frontier").items()}


def test_a_program_that_knows_the_answer_is_believed_before_people_and_they_before_models() -> None:
    shadow, judge = said("shadow", 0.1, tier="tuned"), said("judge", 0.2, tier="tuned")
    people, grader = said("feedback", 0.3), said("grader", 0.4)

    assert heard(grader, people, judge, shadow) == {"tuned": 0.4}
    assert heard(judge, people, shadow) == {"tuned": 0.3}
    assert heard(judge, shadow) == {"tuned": 0.2}


def test_the_last_word_of_one_source_counts() -> None:
    assert heard(said("feedback", 1.0, NOON + 5), said("feedback", 0.0, NOON)) == {"tuned": 1.0}


def test_a_reference_is_the_score_of_the_last_tier() -> None:
    assert heard(said("grader", 0.0, reference=1.0)) == {"tuned": 0.0, "frontier": 1.0}
    assert heard(said("shadow", 1.0, tier="frontier", reference=1.0)) == {"frontier": 1.0}


def test_agreement_is_not_quality() -> None:
    facts = gather([said("shadow", 1.0, tier="tuned", measure="agreement")])["a"]

    assert scores(facts, "tuned", "frontier") == {}
    assert scores(facts, "tuned", "frontier", "agreement")["tuned"].score == 1.0


def test_feedback_that_comes_back_as_evidence_is_heard_once() -> None:
    evidence = {**said("judge", 0.0), "source": "feedback", "kind": "evidence", "tier": "tuned"}

    assert [fact.source for fact in gather([said("feedback", 1.0), evidence])["a"]] == ["feedback"]


def test_what_was_said_of_no_tier_and_of_no_answer_counts_for_nobody() -> None:
    assert scores([Fact("feedback", 1.0)], None, None) == {}
