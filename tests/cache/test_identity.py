"""Equal requests in other spellings have one key, and requests that differ in anything that counts never do."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from router.cache import asked
from router.cache.identity import DEFAULTS, IGNORED, NULLABLE
from router.chat import ChatRequest, parse
from router.consider import Caller
from router.plan import Plan
from router.rules import Bounds
from tests.plans import TWO_TIERS, plan

SAMPLED = TWO_TIERS.replace("auto: {", "auto: {cache: {exact: {sampled: true}}, ")
PLAN = plan(SAMPLED)
ANN = Caller("ann")
Body = dict[str, Any]


def key(body: Body, caller: Caller = ANN, bounds: Bounds | None = None, *, policy: Plan = PLAN) -> str | None:
    """The key of a request, as it would come over the network."""
    return key_of(parse(orjson.dumps(body)), caller, bounds, policy)


def key_of(request: ChatRequest, caller: Caller, bounds: Bounds | None, policy: Plan) -> str | None:
    found = asked(request, policy.routes["auto"], bounds or Bounds(), caller)
    return found.keys.answer if found else None


# --------------------------------------------------------------------------------------------------- made-up requests

WORDS = ("refund", "order", "1234", "invoice", "please", "Ärger", "東京", "why", "not", "0.5", "cancel", "thanks", "")


def text(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(1, 12)))


def schema(dice: random.Random) -> Body:
    names = dice.sample(("id", "name", "amount", "reason", "when"), dice.randint(1, 4))
    kinds = {name: {"type": dice.choice(("string", "integer", "number"))} for name in names}
    return {"type": "object", "properties": kinds, "required": names[:1], "additionalProperties": False}


def tool(dice: random.Random) -> Body:
    function = {"name": dice.choice(("find", "refund", "mail")), "description": text(dice), "parameters": schema(dice)}
    return {"type": "function", "function": function}


def request(dice: random.Random) -> Body:
    """A request like those that clients send, with whatever they say."""
    body: Body = {"model": "auto", "messages": [{"role": "system", "content": text(dice)}]}
    for _ in range(dice.randint(1, 3)):
        body["messages"].append({"role": "user", "content": text(dice)})
        body["messages"].append({"role": "assistant", "content": text(dice)})
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": text(dice)}]})
    choices: dict[str, Callable[[], Any]] = {
        "temperature": lambda: dice.choice((0, 0.2, 0.7, 1, 2)),
        "top_p": lambda: dice.choice((0.1, 0.9, 1)),
        "n": lambda: dice.choice((1, 2)),
        "max_tokens": lambda: dice.randint(1, 4000),
        "seed": lambda: dice.randint(0, 2**62),
        "stop": lambda: dice.choice((["\n"], "end", ["a", "b"])),
        "tools": lambda: [tool(dice) for _ in range(dice.randint(1, 3))],
        "tool_choice": lambda: dice.choice(("auto", "none", "required")),
        "response_format": lambda: {"type": "json_schema", "json_schema": {"name": "x", "schema": schema(dice)}},
        "frequency_penalty": lambda: dice.choice((0, 0.5, -1)),
        "presence_penalty": lambda: dice.choice((0, 0.5)),
        "logit_bias": lambda: {str(dice.randint(0, 50_000)): dice.randint(-100, 100)},
        "logprobs": lambda: dice.choice((True, False)),
        "parallel_tool_calls": lambda: dice.choice((True, False)),
        "reasoning_effort": lambda: dice.choice(("low", "high")),
        "a_field_of_tomorrow": lambda: {"x": [1, None, text(dice)]},
    }
    for name in dice.sample(sorted(choices), dice.randint(0, 8)):
        body[name] = choices[name]()
    return body


# ---------------------------------------------------------------------------------------------------- one thing differs


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a request where something single stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))
    else:
        yield path


def other(value: object, dice: random.Random) -> object:
    """Something that is almost the same."""
    match value:
        case bool():
            return not value
        case int():
            return value + dice.choice((-1, 1))
        case float():
            return value + 0.01
        case str() if value:
            at = dice.randrange(len(value))
            return dice.choice((value[:at] + value[at + 1 :], f"{value[:at]}7{value[at:]}", f"{value} ", value + "\n"))
        case _:
            return "x"


def near_miss(body: Body, dice: random.Random) -> Body:
    """The same request but for one field, tool, schema, message, digit or letter."""
    changed = copy.deepcopy(body)
    what = dice.randrange(6)
    if what == 0:
        changed["messages"].insert(dice.randrange(len(changed["messages"]) + 1), {"role": "user", "content": "also"})
    elif what == 1:
        changed["tools"] = [*changed.get("tools", []), tool(random.Random(dice.random()))]
    elif what == 2 and len(changed.get("tools", [])) > 1:
        changed["tools"].reverse()
        changed["tools"][0]["function"]["name"] += "_"
    elif what == 3:
        changed[dice.choice(("top_k", "min_p", "another_field"))] = dice.random()
    else:
        path = dice.choice([path for path in places(changed) if path[0] != "model"])
        target: Any = changed
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = other(target[path[-1]], dice)
    return changed


def same(one: Body, two: Body) -> bool:
    """Whether two requests say the same after all, by a slower and simpler reading than the one that is tested."""

    def said(body: Body) -> Body:
        counts = {name: value for name, value in body.items() if name not in IGNORED}
        usual = {**DEFAULTS, "tool_choice": "auto" if counts.get("tools") else "none"}
        return {name: value for name, value in counts.items() if value is not None and value != usual.get(name)}

    return orjson.dumps(said(one), option=orjson.OPT_SORT_KEYS) == orjson.dumps(said(two), option=orjson.OPT_SORT_KEYS)


def test_of_twenty_thousand_near_misses_none_is_a_hit() -> None:
    dice, tried = random.Random(2026), 0
    while tried < 20_000:
        body = request(dice)
        changed = near_miss(body, dice)
        if same(body, changed):
            continue
        tried += 1
        assert key(body) != key(changed), (body, changed)


def test_another_tenant_route_tier_threshold_or_rule_is_another_request() -> None:
    dice = random.Random(7)
    for _ in range(500):
        body = request(dice)
        found = [
            key(body),
            key(body, Caller("ben")),
            key(body, Caller(None)),
            key(body, Caller("ann", tier="frontier")),
            key(body, Caller("ann", threshold=0.5)),
            key(body, Caller("ann", budget=0.5)),
            key(body, Caller("ann", session="one")),
            key(body, bounds=Bounds(start="frontier")),
            key(body, bounds=Bounds({"private": "true"})),
            key(body, policy=plan(SAMPLED.replace("model: s", "model: s2"))),
        ]
        assert len(set(found)) == len(found)


# -------------------------------------------------------------------------------------------------- otherwise spelled


def shuffled(value: object, dice: random.Random) -> object:
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: shuffled(value[name], dice) for name in names}
    return [shuffled(inner, dice) for inner in value] if isinstance(value, list) else value


def respelled(body: Body, dice: random.Random) -> bytes:
    """The same request as another client would write it."""
    changed: Body = copy.deepcopy(body)
    usual = {**DEFAULTS, "tool_choice": "auto" if body.get("tools") else "none"}
    for name, value in usual.items():
        if name not in body and dice.random() < 0.3:
            changed[name] = dice.choice((value, None))
        elif name in body and body[name] == value and dice.random() < 0.5:
            del changed[name]
    for name in NULLABLE - set(body) - {"tools"}:
        if name not in changed and dice.random() < 0.2:
            changed[name] = None
    for name, value in (("temperature", 0), ("top_p", 1), ("presence_penalty", 0)):
        if changed.get(name) == value and name in changed and changed[name] is not None:
            changed[name] = dice.choice((value, float(value)))
    for name, value in (("user", "x"), ("stream", True), ("service_tier", "flex"), ("metadata", {"a": "b"})):
        if dice.random() < 0.3:
            changed[name] = value
    text = orjson.dumps(shuffled(changed, dice), option=dice.choice((0, orjson.OPT_INDENT_2))).decode()
    return text.replace("Ä", dice.choice(("Ä", "\\u00c4"))).encode()


def test_twenty_thousand_equal_requests_in_other_spellings_all_hit() -> None:
    dice = random.Random(2027)
    for _ in range(20_000):
        body = request(dice)
        written = respelled(body, dice)
        assert key(body) == key_of(parse(written), ANN, None, PLAN), (body, written)


# ---------------------------------------------------------------------------------------------------- by example

HI: Body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("value", [True, "1", [1]])
def test_what_only_looks_like_a_default_is_none(value: object) -> None:
    assert key({**HI, "top_p": value}) != key(HI)


def test_a_default_counts_where_a_tier_would_put_something_else_in_its_place() -> None:
    policy = plan(
        SAMPLED.replace("tuned: {deployments: [small]}", "tuned: {deployments: [small], params: {top_p: 0.1}}")
    )

    assert key({**HI, "top_p": 1}, policy=policy) != key(HI, policy=policy)
    assert key({**HI, "top_p": 1}, policy=policy) == key({**HI, "top_p": 1.0}, policy=policy)
    assert key({**HI, "top_p": None}, policy=policy) == key(HI, policy=policy)
    assert key({**HI, "n": 1}, policy=policy) == key(HI, policy=policy)


def test_an_absent_temperature_is_one() -> None:
    assert key(HI) == key({**HI, "temperature": 1.0})
    assert key(HI, policy=plan(TWO_TIERS)) is None
    assert key({**HI, "temperature": 0}, policy=plan(TWO_TIERS)) is not None
    assert key({**HI, "temperature": 0.1}, policy=plan(TWO_TIERS)) is None


@pytest.mark.parametrize("control", ["no-store", "max-age=0, no-store"])
def test_a_client_may_want_nothing_remembered(control: str) -> None:
    assert key(HI, Caller("ann", control=control)) is None


def test_a_client_may_want_nothing_that_is_remembered() -> None:
    found = asked(parse(orjson.dumps(HI)), PLAN.routes["auto"], Bounds(), Caller(control="no-cache"))

    assert found is not None
    assert not found.reads


def test_what_is_to_be_stored_upstream_is_always_sent_there() -> None:
    assert key({**HI, "store": True}) is None
    assert key({**HI, "store": False}) == key(HI)


def test_tiers_and_deployments_remember_nothing() -> None:
    for name in ("tuned", "small"):
        assert asked(parse(orjson.dumps(HI)), PLAN.routes[name], Bounds(), ANN) is None


def test_what_cannot_be_written_is_asked_for_itself() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    assert key_of(ChatRequest({**HI, "x": deep}, "auto"), ANN, None, PLAN) is None


def test_a_deployment_must_have_what_the_rules_require_now() -> None:
    found = asked(parse(orjson.dumps(HI)), PLAN.routes["auto"], Bounds({"eu": "yes"}), ANN)

    assert found is not None
    assert found.permits(PLAN.deployments["small"])
    assert not found.permits(PLAN.deployments["big"])
    assert not found.permits(None)
