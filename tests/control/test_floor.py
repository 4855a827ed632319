"""Does the floor hold, and since when not?"""

import numpy as np
import pytest

from router.control.floor import Detector, known_to_hold, margins
from router.control.labels import BANDS, Labels
from tests.control.stories import FLOOR, SCALE, only, pairs

MIX = np.full(BANDS, 0.1)
HALF = SCALE.split(0.5)


def at(labels: Labels, *thresholds: float) -> list[float]:
    proven: list[float] = margins(FLOOR, labels, MIX, np.stack([SCALE.split(t) for t in thresholds])).proven.tolist()
    return proven


def test_more_evidence_proves_more() -> None:
    few, many = at(pairs(20, loss=0.02), 0.5)[0], at(pairs(5_000, loss=0.02), 0.5)[0]
    truth = -0.5 * 0.02 + 0.05 * 0.9
    assert few < 0 < many < truth


def test_without_evidence_only_nothing_is_proven() -> None:
    nothing = margins(FLOOR, Labels.none(), MIX, np.stack([SCALE.split(each) for each in (0.0, 0.01, 0.5)]))
    assert nothing.proven.tolist() == pytest.approx([0.0, -0.01, -0.5])
    assert nothing.reach == 1
    assert nothing.last is None
    assert nothing.likely.tolist()[0] == 0.0


def test_a_band_without_evidence_counts_as_lost() -> None:
    labels = pairs(5_000, loss=0.0)
    labels.table[:, :, 4] = 0.0
    below, above = at(labels, 0.40, 0.50)
    assert below > 0
    assert above == pytest.approx(below - 0.1, abs=0.01)


def test_nothing_is_proven_beyond_the_first_candidate_that_is_not() -> None:
    labels = pairs(3_000, loss=0.0, gain=0.2)
    labels.table[:, :, 0] = 0.0
    found = margins(FLOOR, labels, MIX, np.stack([SCALE.split(each) for each in (0.0, 0.09, 0.9)]))
    assert found.proven[2] > 0
    assert found.reach == 1


def test_disagreement_bounds_loss_once_the_last_tier_s_quality_is_known() -> None:
    alone = only("disagreement", 5_000, 0.02)
    assert at(alone, 0.5)[0] < 0
    assert 0 < at(alone + only("last", 500, 0.9), 0.5)[0] < 0.035


def test_judgements_of_single_answers_will_do_and_take_more_of_them() -> None:
    single = only("low", 5_000, 0.88) + only("last", 5_000, 0.9)
    assert 0 < at(single, 0.5)[0] < at(pairs(5_000, loss=0.02), 0.5)[0]


def test_the_bound_is_broken_as_seldom_as_it_says_even_when_watched() -> None:
    """The true margin is just below 0; it is looked at a hundred times."""
    draw = np.random.default_rng(3)
    broken = 0
    for _ in range(150):
        labels = Labels.none()
        for _ in range(100):
            window = pairs(20, loss=0.0)
            hits = draw.binomial(20, 0.1, BANDS)
            window.table[0, 2] = window.table[0, 3] = hits
            labels += window
            if at(labels, 0.5)[0] >= 0:
                broken += 1
                break
    assert broken <= 150 * 0.05


def test_a_break_rings_soon_and_a_floor_that_holds_does_not() -> None:
    draw = np.random.default_rng(5)

    def rings(loss: float, windows: int) -> int | None:
        detector, known = Detector(), pairs(1_000, loss=0.02)
        for number in range(windows):
            window = pairs(40, loss=0.0)
            window.table[0, 2] = window.table[0, 3] = draw.binomial(40, loss, BANDS)
            detector = detector.after(FLOOR, window, known, MIX, HALF)
            if detector.rings:
                return number
        return None

    assert rings(0.09, 1_000) is None  # nearly all of what may be lost
    assert (rings(0.3, 20) or 0) <= 3


def test_single_answers_ring_too_and_disagreement_never_does() -> None:
    known = only("last", 500, 0.95)
    low, apart = Detector(), Detector()
    for _ in range(5):
        low = low.after(FLOOR, only("low", 60, 0.5), known, MIX, HALF)
        apart = apart.after(FLOOR, only("disagreement", 60, 0.9), known, MIX, HALF)
    assert low.rings
    assert apart.rests


def test_nothing_judged_or_nothing_started_low_changes_nothing() -> None:
    detector = Detector()
    assert detector.after(FLOOR, Labels.none(), pairs(10, loss=0), MIX, HALF) is detector
    assert detector.after(FLOOR, pairs(10, loss=0), pairs(10, loss=0), MIX, HALF * 0) is detector


def test_a_band_in_which_few_were_judged_counts_for_its_traffic() -> None:
    """All that is lost is lost in the hardest band, of which one in ten is judged as often as of the others."""
    known, window = pairs(1_000, loss=0.02), pairs(100, loss=0.0)
    window.table[:, :, 4] /= 10
    for measure, hits in ((0, 9.0), (2, 1.0)):
        window.table[measure, 2, 4] = window.table[measure, 3, 4] = hits
    detector = Detector()
    for _ in range(10):
        detector = detector.after(FLOOR, window, known, MIX, HALF)
    assert detector.rings  # a tenth of what starts low loses nine in ten: more than a floor of 95 % allows


def test_where_nearly_all_may_be_lost_nothing_is_broken() -> None:
    little = SCALE.split(0.01)
    assert Detector().after(FLOOR, pairs(100, loss=1.0), pairs(100, loss=0), MIX, little) == Detector()


def test_other_traffic_is_judged_by_what_is_known_of_answers() -> None:
    labels = pairs(2_000, loss=0.0)
    for sums in (2, 3):
        labels.table[0, sums, 5:] = 2_000 * 0.2
    below = np.stack([SCALE.split(each) for each in (0.5, 0.9)])
    hard = np.array([0.02] * 5 + [0.18] * 5)
    easy_margin, _ = known_to_hold(FLOOR, labels, MIX, 10_000.0, below)
    hard_margin, error = known_to_hold(FLOOR, labels, hard, 10_000.0, below)
    assert easy_margin[0] == hard_margin[0] == pytest.approx(0.045)
    assert easy_margin[1] > hard_margin[1]
    assert hard_margin[1] + 3 * error[1] < 0
    _, vague = known_to_hold(FLOOR, labels, hard, 100.0, below)
    assert vague[1] > error[1]
    unknown, _ = known_to_hold(FLOOR, only("last", 100, 0.9), hard, 100.0, below)
    assert unknown.tolist() == pytest.approx([0.045, 0.045])  # nobody judged: nothing speaks against it
