"""The two levels as one, and what may be kept of an answer."""

from dataclasses import replace

import pytest

from router.cache import Answers, Asked, Entry, may_be_kept
from router.chat import Choice, Completion
from router.clock import Clock
from router.outcome import Attempt, Outcome
from router.plan import Remember
from router.store import Flight, Memory

ASKED = Asked(
    Flight.of("asked"), "auto", Remember(60, sampled=False, max_size=1000), {}, stream=False, usage=False, reads=True
)
ENTRY = Entry("auto", "tuned", "tuned-a", b"{}")
LASTING = replace(ENTRY, until=1e10)
ANN, BEN = b"a" * 16, b"b" * 16
GOOD = Outcome(
    "req_1",
    "p",
    0.0,
    attempts=(Attempt("tuned", "tuned-a", "served"),),
    answer=Completion((Choice("stop", "hi"),), None, None),
)


class Shared(Memory):
    """A store that says others see it too."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = True


async def test_an_answer_is_found_in_the_process_and_in_the_store() -> None:
    store = Shared()
    one, other = (Answers(store, memory=10_000) for _ in range(2))
    one.keep(ASKED, LASTING)

    assert one.at_hand(ASKED) is not None
    assert other.at_hand(ASKED) is None
    found = await other.look(ASKED)
    assert found is not None
    assert found.body == b"{}"
    assert other.at_hand(ASKED) == found


async def test_what_a_single_process_keeps_it_keeps_once() -> None:
    store = Memory()
    Answers(store, memory=10_000).keep(ASKED, LASTING)

    assert await store.get(ASKED.keys.answer) is None


async def test_who_claims_finds_the_answer_makes_it_or_waits() -> None:
    answers = Answers(Shared(), memory=10_000)

    assert (await answers.claim(ASKED, ANN, 60)).leased
    assert (await answers.claim(ASKED, BEN, 60)).holder == ANN
    answers.settle(ASKED, ANN, LASTING)
    found = (await answers.claim(ASKED, BEN, 60)).entry
    assert found is not None
    assert found.until > 0


async def test_an_answer_that_may_not_be_kept_is_for_those_who_waited() -> None:
    store = Shared()
    answers = Answers(store, memory=10_000)
    await answers.claim(ASKED, ANN, 60)
    await answers.claim(ASKED, BEN, 60)
    answers.settle(ASKED, ANN, ENTRY)

    assert (await answers.claim(ASKED, BEN, 60, after=ANN)).entry == ENTRY
    assert answers.at_hand(ASKED) is None
    assert (await answers.claim(ASKED, BEN, 60)).leased


async def test_whoever_gives_up_leaves_it_to_one_of_those_who_waited() -> None:
    answers = Answers(Shared(), memory=10_000)
    await answers.claim(ASKED, ANN, 60)
    await answers.claim(ASKED, BEN, 60)
    answers.settle(ASKED, ANN, None)

    assert (await answers.claim(ASKED, BEN, 60, after=ANN)).leased
    assert (await answers.claim(ASKED, b"c" * 16, 60, after=ANN)).holder == BEN


async def test_an_answer_that_has_ended_elsewhere_has_ended_here() -> None:
    store = Shared()
    Answers(store, memory=10_000).keep(ASKED, replace(ENTRY, until=60.0))

    assert await Answers(store, memory=10_000, clock=Clock(wall=lambda: 59.9)).look(ASKED) is not None
    assert await Answers(store, memory=10_000, clock=Clock(wall=lambda: 60.0)).look(ASKED) is None


def kept(outcome: Outcome = GOOD, size: int = 10) -> bool:
    return may_be_kept(ASKED, outcome, size)


def said(choice: Choice) -> Outcome:
    return replace(GOOD, answer=Completion((Choice("stop", "hi"), choice), None, None))


def test_a_good_answer_may_be_kept() -> None:
    assert kept()
    assert kept(replace(GOOD, retrievals=(("tuned", "ok"),)))
    assert kept(said(Choice("tool_calls", tool_calls=({"id": "1"},))))


@pytest.mark.parametrize(
    "outcome",
    [
        replace(GOOD, end="broken"),
        replace(GOOD, end="error"),
        replace(GOOD, answer=None),
        replace(GOOD, attempts=()),
        replace(GOOD, retrievals=(("tuned", "failed"),)),
        replace(GOOD, retrievals=(("tuned", "timeout"),)),
        replace(GOOD, attempts=(Attempt("tuned", "tuned-a", "served", "refusal"),)),
        replace(GOOD, attempts=(Attempt("tuned", "tuned-a", "escalated"),)),
        replace(GOOD, answer=Completion((), None, None)),
        said(Choice("length", "cut")),
        said(Choice("content_filter", "filtered")),
        said(Choice(None, "unfinished")),
        said(Choice("stop", refusal="no")),
        said(Choice("stop")),
    ],
)
def test_no_other_answer_may_be_kept(outcome: Outcome) -> None:
    assert not kept(outcome)


def test_a_large_answer_is_not_kept() -> None:
    assert kept(size=1000)
    assert not kept(size=1001)
