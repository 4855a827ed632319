"""Tokens to money: known prices, cached input, and the honesty of the unknown."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chat import Usage
from router.pricing import Listed, Price, PriceList, cost

SMALL = Price(input=0.05, output=0.20, cached_input=0.01)


@pytest.fixture(scope="module")
def installed() -> PriceList:
    return PriceList.installed()


def listing(**entries: object) -> PriceList:
    return PriceList(orjson.dumps(entries).decode())


def offer(provider: str, usd_per_million: float) -> dict[str, object]:
    per_token = usd_per_million / 1e6
    return {"litellm_provider": provider, "input_cost_per_token": per_token, "output_cost_per_token": per_token}


# --- cost -------------------------------------------------------------------------------------------------------------


def test_a_million_tokens_each_way_cost_what_the_price_says() -> None:
    assert cost(SMALL, Usage(1_000_000, 1_000_000)) == pytest.approx(0.25)


def test_cached_input_is_part_of_the_input_and_costs_less() -> None:
    assert cost(SMALL, Usage(1_000_000, 0, cached_input=600_000)) == pytest.approx(0.4 * 0.05 + 0.6 * 0.01)


def test_cached_input_costs_what_input_costs_when_nobody_said_otherwise() -> None:
    assert cost(Price(3.0, 15.0), Usage(1_000_000, 0, cached_input=600_000)) == pytest.approx(3.0)


def test_free_cached_input_is_not_unknown_cached_input() -> None:
    assert cost(Price(3.0, 15.0, cached_input=0.0), Usage(10, 0, cached_input=10)) == 0.0


def test_an_upstream_that_counts_cached_tokens_apart_never_makes_a_negative_price() -> None:
    assert cost(SMALL, Usage(100, 0, cached_input=900)) == pytest.approx(100 * 0.01 / 1e6)


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    assert cost(None, Usage(1, 1)) is None


def test_unknown_usage_is_unknown_and_not_nothing() -> None:
    assert cost(SMALL, None) is None


def test_a_host_paid_by_the_hour_charges_nothing_for_one_more_request() -> None:
    assert cost(Price.of_host(2.40), Usage(50_000, 2_000)) == 0.0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_cost_is_never_negative_and_caching_never_makes_it_dearer(tokens: int, output: int, cached: int) -> None:
    with_cache = cost(SMALL, Usage(tokens, output, cached))
    without = cost(SMALL, Usage(tokens, output))
    assert with_cache is not None
    assert without is not None
    assert 0 <= with_cache <= without


# --- the list ---------------------------------------------------------------------------------------------------------


def test_a_model_is_found_by_its_name_with_price_window_and_abilities() -> None:
    prices = listing(
        **{
            "big-1": {
                "litellm_provider": "openai",
                "input_cost_per_token": 2.5e-06,
                "output_cost_per_token": 1e-05,
                "cache_read_input_token_cost": 1.25e-06,
                "max_input_tokens": 128_000,
                "supports_function_calling": True,
                "supports_vision": False,
            }
        }
    )
    assert prices.look_up("big-1") == Listed(
        price=Price(2.5, 10.0, 1.25), context_window=128_000, tools=True, images=False, schema=None, audio=None
    )


def test_with_a_provider_its_own_offer_comes_first() -> None:
    prices = listing(**{"big-1": offer("openai", 1), "azure/big-1": offer("azure", 2)})
    found = [prices.look_up("big-1", provider) for provider in (None, "openai", "azure")]
    assert [one and one.price for one in found] == [Price(1, 1), Price(1, 1), Price(2, 2)]


def test_another_providers_price_is_no_price() -> None:
    assert listing(**{"big-1": offer("openai", 1)}).look_up("big-1", "azure") is None


def test_a_price_of_zero_in_the_list_is_unknown_because_nobody_filled_it_in() -> None:
    entry = {"litellm_provider": "gemini", "input_cost_per_token": 0, "output_cost_per_token": 0, "max_tokens": 8192}
    found = listing(**{"odd-1": entry}).look_up("odd-1")
    assert found is not None
    assert (found.price, found.context_window) == (None, 8192)


def test_a_model_that_embeds_has_no_price_for_an_output_and_needs_none() -> None:
    entry = {"litellm_provider": "mistral", "input_cost_per_token": 1e-7}
    listed = listing(
        chats=entry, embeds={**entry, "mode": "embedding"}, unknown={"litellm_provider": "x", "mode": "embedding"}
    )

    prices = [found.price for name in ("chats", "embeds", "unknown") if (found := listed.look_up(name)) is not None]
    assert prices == [None, Price(0.1, 0.0), None]


def test_a_name_that_is_only_a_nested_key_or_a_value_is_no_model() -> None:
    prices = listing(**{"big-1": {"metadata": {"source": "big-1"}, "litellm_provider": "openai"}})
    assert prices.look_up("metadata") is None
    assert prices.look_up("source") is None
    assert prices.look_up("openai") is None
    assert prices.look_up("big") is None


@pytest.mark.parametrize("text", ["", "{", '{"big-1": {"litellm_provider"', '"big-1"', "[]"])
def test_a_list_that_is_cut_short_or_nonsense_knows_nothing(text: str) -> None:
    assert PriceList(text).look_up("big-1") is None


def test_a_missing_or_unreadable_file_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe\x00")
    assert PriceList(path=tmp_path / "none.json").look_up("gpt-4o") is None
    assert PriceList(path=tmp_path / "latin.json").look_up("gpt-4o") is None
    assert PriceList(path=tmp_path).look_up("gpt-4o") is None


def test_the_list_is_read_when_somebody_asks_and_not_before(tmp_path: Path) -> None:
    prices = PriceList(path=tmp_path / "later.json")
    (tmp_path / "later.json").write_bytes(orjson.dumps({"big-1": offer("openai", 1)}))
    found = prices.look_up("big-1")
    assert found is not None
    assert found.price == Price(1, 1)


def test_without_litellm_installed_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(sys.modules, "litellm", raising=False)
    assert PriceList.installed() == PriceList()


# --- the list that comes with the pinned LiteLLM ----------------------------------------------------------------------


def test_the_installed_list_knows_the_models_of_our_examples(installed: PriceList) -> None:
    found = installed.look_up("claude-opus-4-7", "anthropic")
    assert found is not None
    assert found.price == Price(input=5.0, output=25.0, cached_input=0.5)
    assert (found.context_window, found.tools, found.images, found.schema) == (1_000_000, True, True, True)


def test_the_template_entry_of_the_installed_list_is_no_model(installed: PriceList) -> None:
    assert installed.look_up("sample_spec") is None


def test_every_entry_of_the_installed_list_is_found_as_a_full_parse_finds_it(installed: PriceList) -> None:
    entries = orjson.loads(installed.text)
    for name in list(entries)[1::40]:
        found = installed.look_up(name)
        assert found is not None, name
        per_token = entries[name].get("input_cost_per_token")
        assert found.price is None or found.price.input == pytest.approx(per_token * 1e6), name


def test_reading_prices_does_not_import_litellm() -> None:
    look_up = "print(PriceList.installed().look_up('gpt-4o').price.input, 'litellm' in sys.modules)"
    program = f"import sys; from router.pricing import PriceList; {look_up}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2.5", "False"]
