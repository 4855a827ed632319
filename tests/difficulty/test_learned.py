"""Which share of the training prompts starts at a tier, and at which threshold."""

import pytest

from router.difficulty import builtin, constant, learned, share_below, threshold
from tests.learning.small import model


def test_constants_learned_nothing() -> None:
    assert learned(constant(0.5, 2)) is None
    assert learned(None) is None
    assert learned(model()) is model()


@pytest.mark.parametrize("tier", [0, 1])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_builtin_model_answers_for_every_tier(share: float, tier: int) -> None:
    three = builtin(("s", "m", "l"))
    found = threshold(three, share, tier)
    assert found is not None
    assert share_below(three, found, tier) == pytest.approx(share, abs=0.02)


def test_a_model_file_answers_for_its_first_tier() -> None:
    found = threshold(model(), 0.6, 0)
    assert found is not None
    assert share_below(model(), found, 0) == pytest.approx(0.6, abs=0.02)
    assert threshold(model(), 0.6, 1) is None
    assert share_below(model(), 0.1, 1) is None


def test_a_share_of_nothing_lets_nothing_start_and_one_of_everything_all_that_was_seen() -> None:
    for one in (model(), builtin(("tuned", "frontier"))):
        assert threshold(one, 0.0, 0) == 0.0
        everything = threshold(one, 1.0, 0)
        assert everything is not None
        assert everything > one.quantiles[-1]


def test_of_prompts_that_are_equally_difficult_all_or_none_start() -> None:
    alike = [quantile for quantile in model().quantiles if quantile == 0]
    assert len(alike) > 20
    share = len(alike) / 101
    assert model().share(model().threshold(share / 2 - 0.02)) == 0
    assert model().share(model().threshold(share / 2 + 0.02)) == pytest.approx(share)
