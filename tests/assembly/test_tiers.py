"""Who may be asked: what the policy says, and what is looked up where it is silent."""

import pytest

from router.plan import ALL
from router.pricing import Price
from tests.assembly.made import of


def test_where_the_policy_is_silent_the_list_speaks() -> None:
    deployment = of("model: known-model").deployments["a"]
    assert deployment.price == Price(1.0, 2.0, None)
    assert (deployment.context_window, deployment.lacks) == (4096, frozenset({"tools"}))


def test_what_the_policy_says_comes_before_the_list() -> None:
    said = (
        "model: known-model, price: {input: 5, output: 6}, context_window: 99, supports: {tools: true, images: false}"
    )
    deployment = of(said).deployments["a"]
    assert deployment.price == Price(5.0, 6.0, None)
    assert (deployment.context_window, deployment.lacks) == (99, frozenset({"images"}))


def test_what_nobody_knows_is_unknown_and_no_reason_to_refuse() -> None:
    deployment = of("model: nobody-knows-it").deployments["a"]
    assert (deployment.price, deployment.context_window, deployment.lacks) == (None, None, frozenset())


def test_a_host_of_one_s_own_has_a_price_by_the_hour() -> None:
    assert of("model: m, price: {per_hour: 2.4}").deployments["a"].price == Price.of_host(2.4)


@pytest.mark.parametrize(
    ("written", "hold"), [("hold: all", ALL), ("hold: 3", 3), ("hold: 0", 0), ("checks: []", None)]
)
def test_how_much_is_held_back(written: str, hold: int | None) -> None:
    assert of("model: m", tier=f"deployments: [a], {written}").tiers["tuned"].hold == hold


def test_a_key_is_carried_and_never_shown() -> None:
    deployment = of("model: m, api_key: secret-key").deployments["a"]
    assert deployment.api_key == "secret-key"
    assert "secret-key" not in repr(deployment)


def test_full_means_wait_or_spill() -> None:
    assert not of("model: m, concurrency: 2").deployments["a"].spills
    assert of("model: m, concurrency: 2, when_full: spill").deployments["a"].spills
