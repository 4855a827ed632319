"""Which deployments may embed? Told by values; `tests/server/test_embeddings.py` tells it over sockets."""

from typing import Any

import orjson
import pytest

from router.consider import ANYBODY, Caller
from router.embeddings import EmbeddingRequest, parse
from router.errors import BadRequest, Forbidden, NotFound
from router.rules import FREE, Bounds
from router.same_model import aimed, asked, bounded, chosen, handed, held, readable
from tests.plans import plan

POLICY = """
version: 1
deployments:
  a: {base_url: "http://127.0.0.1:1/v1", model: bge, price: {input: 1, output: 0}, labels: {eu: "yes"}}
  b: {base_url: "http://127.0.0.1:2/v1", model: minilm}
  c: {base_url: "http://127.0.0.1:3/v1", model: bge, price: {input: 3, output: 0}}
tiers:
  mixed: {deployments: [a, b, c]}
  small: {deployments: [b]}
routes:
  texts:
    cascade: [{tier: mixed}]
    rules:
      - {name: eu, when: {regex: berlin}, require: {eu: "yes"}}
      - {name: away, when: {regex: paris}, route: elsewhere}
  elsewhere: {cascade: [{tier: small}]}
  auto: {difficulty: 0.2, cascade: [{tier: small, below: 0.3}, {tier: mixed}]}
"""
PLAN = plan(POLICY)
TEXTS = PLAN.routes["texts"]


def request(model: str = "texts", given: object = "hi", **more: Any) -> EmbeddingRequest:
    return parse(orjson.dumps({"model": model, "input": given, **more}))


def who(target: str, bounds: Bounds = FREE, caller: Caller = ANYBODY, given: object = "hi") -> list[str]:
    decision = chosen(aimed(PLAN, request(target), caller), bounds, request(target, given), caller)
    return [deployment.name for step in decision.steps for deployment in step.deployments]


def test_a_tier_stands_for_the_model_of_its_first_deployment() -> None:
    assert (who("texts"), who("mixed"), who("small"), who("b")) == (["a", "c"], ["a", "c"], ["b"], ["b"])


def test_what_rules_require_narrows_it_and_never_changes_the_model() -> None:
    assert who("texts", Bounds({"eu": "yes"})) == ["a"]
    with pytest.raises(Forbidden, match="labelled eu: no, and 'mixed' has none for 'bge'"):
        who("texts", Bounds({"eu": "no"}))


def test_money_narrows_it_too_and_an_unknown_price_can_always_be_paid() -> None:
    assert who("texts", caller=Caller(budget=1.0)) == ["a", "c"]
    assert who("texts", caller=Caller(budget=0.002), given="x" * 4000) == ["a"]
    assert who("small", caller=Caller(budget=0.0), given="x" * 4000) == ["b"]
    with pytest.raises(BadRequest, match=r"nobody is expected to embed this for 0.0 USD; raise x-router-max-cost-usd"):
        who("texts", caller=Caller(budget=0.0), given="x" * 4000)


def test_a_name_that_there_is_none_of_lists_the_routes() -> None:
    with pytest.raises(NotFound, match="'texts', 'elsewhere' and 'auto'"):
        aimed(PLAN, request("text"), ANYBODY)


def test_who_chooses_a_tier_of_several_goes_by_its_name_and_keeps_the_rules() -> None:
    target = aimed(PLAN, request("auto"), Caller(tier="small"))
    assert (target.route.name, target.told.name, target.tier.name, target.forced) == ("auto", "small", "small", True)


def test_a_rule_holds_for_a_request_if_it_holds_for_any_of_its_texts() -> None:
    texts = request(given=["rome", "to berlin", "oslo"])
    every = [one for some in asked(texts, ANYBODY, pii=False) for one in some]
    holding = held(TEXTS.rules, every)
    assert (len(every), holding) == (3, {0})
    assert bounded(TEXTS.rules, holding, {"team": "a"}, every[0]).require == {"team": "a", "eu": "yes"}
    assert bounded(TEXTS.rules, set(), {}, every[0]) is FREE


def test_many_texts_come_a_few_at_a_time() -> None:
    sizes = [len(some) for some in asked(request(given=["x" * 1000] * 100), ANYBODY, pii=False)]
    assert (sum(sizes), len(sizes)) == (100, 4)


def test_token_ids_are_counted_and_cannot_be_read() -> None:
    tokens = request(given=[[1] * 7, [2]])
    assert [one.signals.tokens for some in asked(tokens, ANYBODY, pii=False) for one in some] == [7, 1]
    with pytest.raises(BadRequest, match="rule 'eu' looks at the text"):
        readable(aimed(PLAN, tokens, ANYBODY), tokens)
    readable(aimed(PLAN, request(), ANYBODY), request())
    readable(aimed(PLAN, request("elsewhere"), ANYBODY), tokens)


def test_a_rule_that_changes_nothing_need_not_be_read() -> None:
    tokens = request("a", given=[1])
    readable(aimed(PLAN, tokens, ANYBODY), tokens)  # it has what the rule requires anyhow
    with pytest.raises(BadRequest, match="rule 'eu' looks at the text"):
        readable(aimed(PLAN, request("c"), ANYBODY), tokens)


def test_another_route_is_another_model_and_an_error_but_for_who_named_a_tier() -> None:
    away = Bounds(route="elsewhere", rule="away")
    with pytest.raises(
        BadRequest, match="rule 'away' sends this to route 'elsewhere', which does not serve 'bge' alone"
    ):
        handed(PLAN, aimed(PLAN, request(), ANYBODY), away)
    forced = handed(PLAN, aimed(PLAN, request(), Caller(tier="mixed")), away)
    assert (forced.route.name, forced.told.name, forced.tier.name) == ("elsewhere", "texts", "mixed")
