"""Tokens to money: what an answer cost, and what a well-known model's tokens cost when the policy does not say."""

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from router.chat import Usage

__all__ = ["Listed", "Price", "PriceList", "cost"]

_FILE = "model_prices_and_context_window_backup.json"
_OPENS = re.compile(r"\s*:\s*(?=\{)").match
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a deployment's tokens cost, in USD per million; a price nobody knows is `None` in place of a `Price`.

    A host of one's own is paid by the hour, busy or not, so one more request costs nothing: `Price.of_host(2.40)`.
    Its hours are money all the same. They are counted as kind `idle` of `router_cost_usd_total`: `per_hour` times
    the time the deployment was in the policy, whatever it answered, so that the sum over kinds is what was spent.
    """

    input: float
    output: float
    cached_input: float | None = None
    """Input tokens the upstream had in its prompt cache; unknown means they cost what input costs."""
    per_hour: float | None = None

    @classmethod
    def of_host(cls, per_hour: float) -> Self:
        """The price of a host that is paid by the hour."""
        return cls(input=0.0, output=0.0, per_hour=per_hour)


def cost(price: Price | None, usage: Usage | None) -> float | None:
    """Give the marginal USD of one answer, or None when its price or its usage is unknown: unknown is never $0.

    Flat prices only: what some upstreams add for writing a prompt cache, or above 200,000 tokens, is not in a `Price`.
    """
    if price is None or usage is None:
        return None
    cached = usage.cached_input
    if not cached:
        return (usage.input * price.input + usage.output * price.output) / _MILLION
    cached = min(cached, usage.input)  # some upstreams count cached tokens apart
    cached_price = price.input if price.cached_input is None else price.cached_input
    return ((usage.input - cached) * price.input + cached * cached_price + usage.output * price.output) / _MILLION


@dataclass(frozen=True, slots=True)
class Listed:
    """What LiteLLM's list says about a model; None is "it does not say", which is neither yes nor no."""

    price: Price | None
    context_window: int | None
    """The most tokens of input."""
    tools: bool | None
    images: bool | None
    schema: bool | None
    audio: bool | None


@dataclass(frozen=True)
class PriceList:
    """LiteLLM's list of some 4,000 models, read without importing LiteLLM; keep it only while a policy is loaded.

    The list is read when somebody first asks, stays text (3 MB), and only the entries asked for are parsed: under a
    millisecond each, and no dictionary of 60,000 values that nobody asked for. An empty list, like that of a missing
    file, knows nothing about any model.
    """

    given: str = ""
    path: Path | None = None
    """Where it is, when it is in a file."""

    @cached_property
    def text(self) -> str:
        """All of it; empty when the file cannot be read."""
        if self.path is None:
            return self.given
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    @classmethod
    def installed(cls) -> Self:
        """The list that came with the installed LiteLLM; empty when there is none to read."""
        spec = importlib.util.find_spec("litellm")
        folders = (spec and spec.submodule_search_locations) or ()
        for folder in folders:
            return cls(path=Path(folder) / _FILE)
        return cls()

    def look_up(self, model: str, provider: str | None = None) -> Listed | None:
        """Find a model by its own name; with a provider first as `provider/model`, as many may sell the same model.

        With a provider, the bare name counts only when it is that provider's: `gpt-4o` is OpenAI's price, not Azure's.
        """
        if provider is not None and (entry := self._entry(f"{provider}/{model}")):
            return _listed(entry)
        entry = self._entry(model)
        if entry is None or (provider is not None and not str(entry["litellm_provider"]).startswith(provider)):
            return None
        return _listed(entry)

    def _entry(self, name: str) -> Mapping[str, Any] | None:
        """Parse one entry where it stands; what is not followed by an object with a provider is no entry."""
        spelled, end = json.dumps(name), 0
        while (start := self.text.find(spelled, end)) >= 0:
            end = start + len(spelled)
            if (opens := _OPENS(self.text, end)) is None:
                continue
            try:
                entry, _ = json.JSONDecoder().raw_decode(self.text, opens.end())
            except ValueError:
                continue
            if "litellm_provider" in entry and name != "sample_spec":
                return entry  # type: ignore[no-any-return]
        return None


def _listed(entry: Mapping[str, Any]) -> Listed:
    window = entry.get("max_input_tokens") or entry.get("max_tokens")
    return Listed(
        price=_price(entry),
        context_window=window if isinstance(window, int) else None,
        tools=entry.get("supports_function_calling"),
        images=entry.get("supports_vision"),
        schema=entry.get("supports_response_schema"),
        audio=entry.get("supports_audio_input"),
    )


def _price(entry: Mapping[str, Any]) -> Price | None:
    """Per million tokens; $0 for both means "not filled in" more often than "free", so it is unknown."""
    per_input = _per_million(entry.get("input_cost_per_token"))
    per_output = _per_million(entry.get("output_cost_per_token"))
    if per_output is None and entry.get("mode") == "embedding":
        per_output = 0.0  # there is no output
    if per_input is None or per_output is None or not (per_input or per_output):
        return None
    return Price(per_input, per_output, _per_million(entry.get("cache_read_input_token_cost")))


def _per_million(per_token: object) -> float | None:
    """0.15 rather than 0.15000000000000002; None for what is no price."""
    return round(per_token * _MILLION, 9) if isinstance(per_token, int | float) else None
