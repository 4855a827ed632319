"""One request as the experts see it, and how new it is."""

import numpy as np

from router import signals
from router.chat import ChatRequest
from router.difficulty.features import Features, Raw, Space, place, raw
from router.learning import experts

THINGS = ("apples", "books", "pens", "shirts", "stamps", "coins", "cakes", "toys", "plants")
SUMS = [
    f"Ann has {len(one)} {one} and buys {len(other)} more {other}. How many {one} does Ann have?"
    for one in THINGS
    for other in THINGS
]


def read(content: str) -> Raw:
    request = ChatRequest({"messages": [{"role": "user", "content": content}]}, model="auto")
    return raw(request, signals.read(request))


def space() -> Space:
    return experts.space([read(content) for content in SUMS], seed=0)


def features(content: str) -> Features:
    return space().features(read(content))


def test_the_rarity_of_grams_has_length_one() -> None:
    at = space()
    assert np.isclose(np.linalg.norm(at.rarities(at.features(read(SUMS[3])).grams)), 1.0, atol=1e-3)


def test_a_training_prompt_is_nearest_to_itself() -> None:
    assert features(SUMS[0]).distance < 0.2


def test_another_subject_is_further_away() -> None:
    own, other = features("Ann has 3 toys and buys 5 more pens."), features("Which court may hear an appeal in law?")
    assert other.distance > own.distance + 0.3


def test_case_does_not_make_a_prompt_new() -> None:
    assert features(SUMS[0].upper()).distance < features(SUMS[0]).distance + 0.01


def test_the_same_words_in_another_form_are_new() -> None:
    own, listed = features(SUMS[0]), features(" \n- ".join([*SUMS[0].split(), "{apples: [3]}", "$x = 3$;"]))
    assert listed.distance > own.distance + 0.5


def test_nothing_at_all_is_far_away_and_harmless() -> None:
    empty = features("")
    assert empty.distance > 0.5
    assert np.isfinite(empty.dense).all()


def test_a_place_has_length_one_and_nowhere_stays_nowhere() -> None:
    assert np.isclose(np.linalg.norm(place(np.array([3.0, 4.0], np.float32), np.zeros(2))), 1.0)
    assert not place(np.ones(2, np.float32), np.ones(2)).any()
