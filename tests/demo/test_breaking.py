"""A small model that breaks, honestly."""

from dataclasses import replace

import orjson

from router.demo.breaking import SHARE, Breakable
from router.demo.grading import grade
from router.demo.recorded import RecordedAnswers
from router.demo.wire import Received
from router.demo.workload import Row, load

ROWS = load()


def asked(row: Row) -> Received:
    return Received(
        method="POST", path="/v1/chat/completions", headers={}, body=orjson.dumps({"messages": row.messages})
    )


def said(model: Breakable, rows: tuple[Row, ...] = ROWS) -> list[str | None]:
    return [model(asked(row)).text for row in rows]


def quality(model: Breakable) -> float:
    answers = [model(asked(row)) for row in ROWS]
    grades = [
        grade(row.expected or {}, answer.text or "", answer.tool_calls or ())
        for row, answer in zip(ROWS, answers, strict=True)
    ]
    return sum(grades) / len(grades)


def test_until_it_breaks_it_says_what_was_recorded() -> None:
    model, recorded = Breakable(ROWS, "tuned"), RecordedAnswers(ROWS, "tuned")

    assert said(model) == [recorded.to(row.messages).text for row in ROWS]


def test_a_broken_model_gives_many_of_its_answers_to_the_wrong_question() -> None:
    model = Breakable(ROWS, "tuned")
    sound = said(model)
    model.broken = True
    share = sum(one != other for one, other in zip(said(model), sound, strict=True)) / len(ROWS)

    assert SHARE - 0.15 < share < SHARE + 0.15
    assert quality(model) < 0.4
    assert set(said(model)) <= set(sound)  # nothing is made up


def test_it_can_be_repaired() -> None:
    model = Breakable(ROWS, "tuned")
    before = quality(model)
    model.broken = True
    model.broken = False

    assert quality(model) == before


def test_what_it_says_does_not_depend_on_a_score() -> None:
    flipped = tuple(
        replace(row, outcomes={tier: replace(one, score=1 - one.score) for tier, one in row.outcomes.items()})
        for row in ROWS
    )
    model, other = Breakable(ROWS, "tuned"), Breakable(flipped, "tuned")
    model.broken = other.broken = True

    assert said(model) == said(other, flipped)


def test_what_it_was_never_asked_it_does_not_know_broken_or_not() -> None:
    model = Breakable(ROWS, "tuned")
    stranger = replace(ROWS[0], messages=({"role": "user", "content": "Who are you?"},))
    sound = model(asked(stranger))
    model.broken = True

    assert model(asked(stranger)) == sound
