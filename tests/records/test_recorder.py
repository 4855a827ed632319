"""A view of outcomes that goes to disk, as the policy says."""

from pathlib import Path

import pytest

from router.outcome import Aside, Evidence
from router.records import Feedback
from router.records.content import MOST, Content
from tests.plans import plan
from tests.records.made import kept, outcome, recorder


def test_outcomes_and_what_is_learned_later_are_recorded_under_the_plan_in_force(tmp_path: Path) -> None:
    taking = recorder(tmp_path)
    taking.serve(plan())
    taking.outcome(outcome(), 0.002)
    taking.feedback(Feedback("req_0", 1.0, correction="secret"))
    taking.evidence(Evidence("req_0", "auto", "s1", 2, "tuned", 0.0))
    taking.aside(Aside("req_0", "auto", "tuned", 2, "judge", "frontier", "big", "answered"))
    taking.move({"route": "auto", "to": 0.4})
    taking.close()

    told = kept(tmp_path)
    assert [one["kind"] for one in told] == ["plan", "outcome", "feedback", "evidence", "aside", "move", "plan"]
    assert told[1]["p_good"] == {"tuned": 0.8, "frontier": 1.0}
    assert (told[2]["corrected"], told[2]["correction"]) == (True, None)
    assert taking.dropped == 0


@pytest.mark.parametrize(("content", "said"), [("redacted", "I am [email]"), ("full", "I am a@example.org")])
def test_content_is_kept_where_the_policy_says_so(tmp_path: Path, content: Content, said: str) -> None:
    taking = recorder(tmp_path, content)
    taking.outcome(outcome(text="I am a@example.org"))
    taking.close()

    (told,) = kept(tmp_path)
    assert told["content"]["request"]["messages"][0]["content"] == said
    assert told["content"]["answer"][0]["content"] == "on its way"


def test_none_is_the_default_and_holds_not_a_word(tmp_path: Path) -> None:
    taking = recorder(tmp_path)
    taking.outcome(outcome(text="a word"))
    taking.close()

    assert b"a word" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl"))


def test_of_what_is_very_long_only_the_facts_are_kept(tmp_path: Path) -> None:
    taking = recorder(tmp_path, "full")
    taking.outcome(outcome(text="x" * (MOST + 1)))
    taking.outcome(outcome(request=None))
    taking.close()

    assert ["content" in one for one in kept(tmp_path)] == [False, False]
