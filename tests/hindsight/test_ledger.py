"""The interval holds the truth as often as it says."""

import numpy as np
import pytest

from router.hindsight.ledger import BLOCKS, Blocks, balance
from router.pricing import Price

PRICE = Price(input=10, output=30, cached_input=1)


def test_blocks_never_grow_beyond_a_bound_and_lose_nothing() -> None:
    blocks = Blocks()
    for _ in range(10_000):
        blocks.begin()
        blocks.add(served=1.0)

    assert BLOCKS <= len(blocks.table) <= 2 * BLOCKS
    assert blocks.table.sum() == 10_000


def test_what_is_known_is_added_and_what_is_not_is_estimated() -> None:
    blocks = Blocks()
    blocks.begin()
    blocks.add(served=2.0, escalation=0.5, shadow=0.1, exact=5.0, tokens=1e6, output=1e5)
    blocks.add(calls=20, seen_tokens=1000, seen_input=2000, warm_input=100, warm_cached=50)
    blocks.add(pairs=20, shadow_output=300, beside_output=200)

    found = balance(blocks.table, PRICE, confidence=0.95)

    assert (found.input_ratio, found.cached_share, found.output_ratio) == (2.0, 0.5, 1.5)
    assert found.baseline == pytest.approx(5.0 + 2 * (0.5 * 1 + 0.5 * 10) + 0.1 * 1.5 * 30)
    assert found.net == pytest.approx(found.baseline - 2.6)
    assert found.cost == pytest.approx(2.6)


def test_without_a_price_only_what_the_last_tier_answered_has_a_baseline() -> None:
    blocks = Blocks()
    blocks.begin()
    blocks.add(exact=5.0, tokens=1e6, output=1e5)

    assert balance(blocks.table, None, confidence=0.95).baseline == 5.0


def made_up(seed: int, n: int) -> tuple[Blocks, float]:
    """Traffic in conversations of about ten alike requests, half of them answered by each tier."""
    draw, blocks, kind = np.random.default_rng(seed), Blocks(), 1.0
    for number in range(n):
        if number % 10 == 0:
            kind = float(draw.lognormal(0, 0.7))
        tokens, output = 400 * kind * draw.lognormal(0, 0.3), 100 * kind * draw.lognormal(0, 0.3)
        blocks.begin()
        if draw.random() < 0.5:
            blocks.add(served=0.0001 * kind, tokens=tokens, output=output)
        else:
            spent = (1.5 * tokens * 10 + output * 30) / 1e6
            blocks.add(served=spent, exact=spent, calls=1, seen_tokens=tokens, seen_input=1.5 * tokens)
    return blocks, n * _TRUE


_KIND = float(np.exp(0.7**2 / 2))
_NOISE = float(np.exp(0.3**2 / 2))
_TRUE = 0.5 * (_KIND * _NOISE * (1.5 * 400 * 10 + 100 * 30) / 1e6 - 0.0001 * _KIND)
"""What each request saves on average: half of them would have cost that much more."""


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        blocks, truth = made_up(seed, 3_000)
        found = balance(blocks.table, PRICE, confidence=0.9, seed=seed)
        held += found.low <= truth <= found.high

    assert 82 <= held <= 97  # 90 ± 2.6 standard errors of 100 tries
