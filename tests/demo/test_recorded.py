"""A fake model says what was recorded, and nothing that it could not know."""

from dataclasses import replace
from typing import Any

import orjson

from router.demo.recorded import NOT_STORED, UNKNOWN, RecordedAnswers
from router.demo.wire import Received
from router.demo.workload import Recorded, Row, load

ROWS = load()


def asking(*messages: Any) -> Received:
    return Received("POST", "/v1/chat/completions", {}, orjson.dumps({"messages": messages}))


def test_every_row_gets_its_own_recorded_answer_on_each_tier() -> None:
    for tier in ("tuned", "frontier"):
        answers = RecordedAnswers(ROWS, tier)
        for row in ROWS:
            answer, recorded = answers(asking(*row.messages)), row.outcomes[tier]
            assert (answer.text or "", tuple(answer.tool_calls or ())) == (recorded.answer, recorded.tool_calls)


def test_a_tier_s_own_system_prompt_does_not_hide_the_question() -> None:
    row = Row("1", "t", ({"role": "user", "content": "7 × 8?"},), {"tuned": Recorded(1, "56")})
    system = {"role": "system", "content": "You calculate."}
    assert RecordedAnswers([row], "tuned")(asking(system, *row.messages)).text == "56"


def test_the_same_question_under_two_system_prompts_has_two_answers() -> None:
    question = {"role": "user", "content": "Where are you?"}
    rows = [
        Row(name, "t", ({"role": "system", "content": name}, question), {"tuned": Recorded(1, f"in {name}")})
        for name in ("Oslo", "Lima")
    ]
    answers = RecordedAnswers(rows, "tuned")
    assert [answers(asking(*row.messages)).text for row in rows] == ["in Oslo", "in Lima"]


def test_the_text_never_depends_on_the_score() -> None:
    for row in ROWS:
        turned = {tier: replace(outcome, score=1 - outcome.score) for tier, outcome in row.outcomes.items()}
        request = asking(*row.messages)
        assert RecordedAnswers([replace(row, outcomes=turned)], "tuned")(request) == RecordedAnswers([row], "tuned")(
            request
        )


def test_what_was_not_recorded_is_said_neutrally() -> None:
    question = {"role": "user", "content": "?"}
    rows = [Row(str(score), "t", (question,), {"tuned": Recorded(score)}) for score in (0, 1)]
    assert {RecordedAnswers([row], "tuned")(asking(question)).text for row in rows} == {NOT_STORED}
    assert RecordedAnswers(rows, "frontier")(asking(question)).text == NOT_STORED
    assert RecordedAnswers(rows, "tuned")(asking({"role": "user", "content": "who are you?"})).text == UNKNOWN
