"""Which tiers may answer, in which order, and why."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import signals
from router.chat import ChatRequest
from router.conversation import Pin, Session
from router.decide import Decision, Standing, decide
from router.difficulty import Estimate
from router.errors import BadRequest, Forbidden
from router.plan import Plan, Route, Staying
from router.rules import Bounds
from tests.plans import TWO_TIERS, asked, plan

PLAN = plan()
THREE = plan("""
version: 1
deployments:
  tiny: {base_url: "http://127.0.0.1:1/v1", model: n, supports: {tools: false, images: false}}
  small: {base_url: "http://127.0.0.1:1/v1", model: s, context_window: 100, labels: {eu: "yes"}}
  big: {base_url: "http://127.0.0.1:1/v1", model: b, labels: {eu: "yes"}}
tiers:
  nano: {deployments: [tiny]}
  tuned: {deployments: [small]}
  frontier: {deployments: [big]}
routes:
  auto: {difficulty: 0.5, cascade: [{tier: nano, below: 0.2}, {tier: tuned, below: 0.4}, {tier: frontier}]}
""")


def estimate(*difficulty: float, p_escalate: tuple[float, ...] | None = None, novelty: float | None = None) -> Estimate:
    return Estimate(p_good=(), difficulty=(*difficulty, 0.0), band=3, novelty=novelty, p_escalate=p_escalate)


def decided(
    on: Plan = PLAN, request: ChatRequest | None = None, *, difficulty: tuple[float, ...] = (0.5,), **more: Any
) -> Decision:
    request = request or asked()
    session = Session(3600, "", pin=more.pop("pin", None), caller=more.pop("caller", None))
    down = more.pop("deescalates", False)
    staying = Staying(session, pins=True, deescalates=down, affinity=False, mixed=False)
    scope, explore = more.pop("scope", None), more.pop("explore", 0.0)
    return decide(
        request,
        signals.read(request),
        replace(on.routes["auto"], scope=scope, explore=explore, sessions=staying),
        bounds=more.pop("bounds", Bounds()),
        estimate=estimate(*difficulty, p_escalate=more.pop("p_escalate", None), novelty=more.pop("novelty", None)),
        standing=Standing(session=session, **more),
    )


def pinned(tier: str, deployment: str = "", tokens: int = 0) -> Pin:
    return Pin(tier, deployment, f"/{deployment}", tokens=tokens)


def tiers(decision: Decision) -> list[str]:
    return [step.tier.name for step in decision.steps]


def test_an_easy_request_starts_at_the_first_tier_and_may_go_up() -> None:
    decision = decided(difficulty=(0.29,))

    assert (tiers(decision), decision.reason) == (["tuned", "frontier"], "easy")
    assert (decision.difficulty, decision.threshold, decision.band) == (0.29, 0.3, 3)


def test_a_hard_request_starts_at_the_last() -> None:
    decision = decided(difficulty=(0.3,))

    assert (tiers(decision), decision.reason) == (["frontier"], "hard")


def test_a_threshold_of_zero_means_the_last_tier_only() -> None:
    assert tiers(decided(difficulty=(0.0,), threshold=0.0)) == ["frontier"]


@pytest.mark.parametrize(
    ("difficulty", "start"), [((0.1, 0.1), "nano"), ((0.3, 0.3), "tuned"), ((0.5, 0.5), "frontier")]
)
def test_of_three_tiers_the_first_that_may_starts(difficulty: tuple[float, ...], start: str) -> None:
    assert decided(THREE, difficulty=difficulty).start == start


def test_thresholds_in_force_come_before_the_policys() -> None:
    assert decided(difficulty=(0.5,), thresholds={"tuned": 0.6}).start == "tuned"


def test_the_clients_own_threshold_comes_before_both() -> None:
    assert decided(difficulty=(0.5,), thresholds={"tuned": 0.1}, threshold=0.9).start == "tuned"


def test_a_forced_tier_starts_and_never_goes_up() -> None:
    decision = decided(forced=PLAN.tiers["tuned"], difficulty=(0.9,))

    assert (tiers(decision), decision.reason) == (["tuned"], "forced")


def test_what_is_novel_starts_at_the_last_tier_however_easy_it_looks() -> None:
    decision = decided(THREE, difficulty=(0.0, 0.0), novelty=0.995, scope=0.99)

    assert (tiers(decision), decision.reason, decision.novelty) == (["frontier"], "novel", 0.995)


@pytest.mark.parametrize(("novelty", "scope"), [(0.99, 0.99), (1.0, 1.0), (None, 0.99), (1.0, None)])
def test_what_is_in_scope_or_cannot_be_told_goes_by_its_difficulty(novelty: float | None, scope: float | None) -> None:
    assert decided(difficulty=(0.1,), novelty=novelty, scope=scope).reason == "easy"


@pytest.mark.parametrize(
    ("more", "start", "reason"),
    [
        ({"forced": PLAN.tiers["tuned"]}, "tuned", "forced"),
        ({"bounds": Bounds(start="tuned", rule="stay")}, "tuned", "rule:stay"),
        ({"threshold": 1.0}, "frontier", "novel"),
        ({"pin": pinned("tuned")}, "frontier", "novel"),
        ({"pin": pinned("frontier")}, "frontier", "novel"),
        ({"budget": 0.001}, "tuned", "cost"),
    ],
)
def test_what_says_where_to_start_comes_before_novelty(more: dict[str, Any], start: str, reason: str) -> None:
    decision = decided(difficulty=(0.1,), novelty=1.0, scope=0.99, **more)

    assert (decision.start, decision.reason) == (start, reason)


def test_a_rule_says_where_to_start() -> None:
    decision = decided(THREE, bounds=Bounds(start="tuned", rule="long"), difficulty=(0.0, 0.0))

    assert (tiers(decision), decision.reason) == (["tuned", "frontier"], "rule:long")


def test_what_is_required_cuts_everybody_else_out() -> None:
    decision = decided(THREE, bounds=Bounds({"eu": "yes"}), difficulty=(0.0, 0.0))

    assert tiers(decision) == ["tuned", "frontier"]
    assert all(d.labels["eu"] == "yes" for step in decision.steps for d in step.deployments)


def test_a_forced_tier_does_not_leave_what_is_required() -> None:
    with pytest.raises(Forbidden, match="eu: yes, and 'nano' has none"):
        decided(THREE, bounds=Bounds({"eu": "yes"}), forced=THREE.tiers["nano"], difficulty=(0.0, 0.0))


def test_nobody_left_is_forbidden() -> None:
    with pytest.raises(Forbidden) as told:
        decided(bounds=Bounds({"region": "moon"}))

    assert told.value.code == "no_permitted_deployment"


def test_a_session_does_not_start_below_its_pin() -> None:
    up, down = (decided(difficulty=(0.0,), pin=pinned(tier)) for tier in ("frontier", "tuned"))

    assert (up.start, up.reason, down.start, down.reason) == ("frontier", "pinned", "tuned", "easy")


def test_a_pin_to_a_tier_that_a_reload_took_away_holds_nothing() -> None:
    assert decided(difficulty=(0.0,), pin=pinned("gone")).reason == "easy"


def test_a_tool_call_is_answered_to_whoever_made_it_however_hard_the_turn_is() -> None:
    decision = decided(difficulty=(0.9,), pin=pinned("tuned", "small"), caller="small")

    assert (decision.start, decision.reason, decision.keeps) == ("tuned", "pinned", "small")


@pytest.mark.parametrize(
    ("more", "start"),
    [
        ({"bounds": Bounds(start="frontier", rule="up")}, "frontier"),
        ({"bounds": Bounds({"eu": "no"})}, None),
        ({"forced": PLAN.tiers["frontier"]}, "frontier"),
        ({"caller": "gone"}, "frontier"),
    ],
)
def test_whoever_made_a_tool_call_gets_nothing_that_it_may_not_see(more: dict[str, Any], start: str | None) -> None:
    given = {"pin": pinned("tuned", "small"), "caller": "small", **more}
    if start is None:
        with pytest.raises(Forbidden):
            decided(difficulty=(0.9,), **given)
    else:
        assert decided(difficulty=(0.9,), **given).start == start


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "images"),
    ],
)
def test_what_a_tier_cannot_do_does_not_start_there(more: dict[str, Any], reason: str) -> None:
    only = plan("""
version: 1
deployments:
  tiny: {base_url: "http://127.0.0.1:1/v1", model: n, supports: {tools: false, images: false}}
  big: {base_url: "http://127.0.0.1:1/v1", model: b}
tiers: {nano: {deployments: [tiny]}, frontier: {deployments: [big]}}
routes: {auto: {difficulty: 0.0, cascade: [{tier: nano, below: 0.5}, {tier: frontier}]}}
""")
    decision = decided(only, asked(**more), difficulty=(0.0,))

    assert (tiers(decision), decision.reason) == (["frontier"], reason)


def test_what_does_not_fit_a_window_does_not_start_there() -> None:
    long = asked("word " * 1000)

    assert (decided(request=long, difficulty=(0.0,)).start, decided(request=long).reason) == ("frontier", "context")


def test_room_for_the_answer_counts() -> None:
    assert decided(request=asked(max_tokens=999), difficulty=(0.0,)).reason == "context"


def test_when_nobody_fits_the_last_tier_says_so_itself() -> None:
    small = plan(TWO_TIERS.replace("model: b, price: {input: 10, output: 10}", "model: b, context_window: 10"))

    assert tiers(decided(small, asked("word " * 1000), difficulty=(0.0,))) == ["frontier"]


def test_a_budget_leaves_out_what_costs_more() -> None:
    assert decided(request=asked(max_tokens=100), difficulty=(0.9,), budget=0.0002).start == "tuned"


def test_a_budget_nobody_meets_is_told() -> None:
    with pytest.raises(BadRequest) as told:
        decided(request=asked(max_tokens=100), budget=0.0)

    assert (told.value.code, told.value.param) == ("max_cost_exceeded", "x-router-max-cost-usd")


def test_a_route_of_one_tier_has_nothing_to_choose() -> None:
    tier: Route = PLAN.routes["tuned"]
    decision = decide(asked(), signals.read(asked()), tier)

    assert (tiers(decision), decision.reason, decision.difficulty) == (["tuned"], "only", None)


shares = st.floats(0, 1)


@given(difficulty=st.lists(shares, min_size=2, max_size=2), low=shares, more=shares)
def test_a_higher_threshold_never_sends_a_request_higher_up(difficulty: list[float], low: float, more: float) -> None:
    place = ["nano", "tuned", "frontier"].index
    high = max(low, more)
    hard = tuple(difficulty)

    assert place(decided(THREE, difficulty=hard, threshold=high).start) <= place(
        decided(THREE, difficulty=hard, threshold=min(low, more)).start
    )


@given(difficulty=shares, threshold=shares, pin=st.sampled_from([None, "tuned", "frontier"]))
def test_whatever_is_decided_stays_inside_what_is_required(
    difficulty: float, threshold: float, pin: str | None
) -> None:
    decision = decided(
        bounds=Bounds({"eu": "yes"}), difficulty=(difficulty,), threshold=threshold, pin=pin and pinned(pin)
    )

    assert [d.name for step in decision.steps for d in step.deployments] == ["small"]


def test_deciding_does_not_estimate_what_a_constant_knows() -> None:
    route = PLAN.routes["auto"]
    assert route.estimate is not None
    assert route.estimate(asked(), signals.read(asked())).difficulty == (0.2, 0.0)


# --------------------------------------------------------------------------------------------------------------- money

PRICED = """
version: 1
deployments:
  tiny: {base_url: "http://127.0.0.1:1/v1", model: n, price: {input: 1, output: 1}}
  small: {base_url: "http://127.0.0.1:1/v1", model: s, price: {input: 4, output: 4}}
  big: {base_url: "http://127.0.0.1:1/v1", model: b, price: {input: 10, output: 10}}
tiers:
  nano: {deployments: [tiny]}
  tuned: {deployments: [small]}
  frontier: {deployments: [big]}
routes:
  auto:
    {difficulty: 0.1, max_cost_usd: 1, cascade: [{tier: nano, below: 0.2}, {tier: tuned, below: 0.2}, {tier: frontier}]}
"""


@pytest.mark.parametrize(
    ("p_escalate", "start", "reason"),
    [
        (None, "nano", "easy"),  # nobody knows: taken for granted
        ((0.70, 0.5, 0.0), "nano", "easy"),  # 1 + 0.70 * 4 < 4
        ((0.75, 0.5, 0.0), "tuned", "cost"),  # 1 + 0.75 * 4 is no less than 4, and 4 + 0.5 * 10 < 10
        ((0.75, 0.6, 0.0), "frontier", "cost"),  # 4 + 0.6 * 10 is no less than 10
        ((1.0, 0.0, 0.0), "tuned", "cost"),
    ],
)
def test_a_tier_that_escalates_too_often_is_not_cheap(
    p_escalate: tuple[float, ...] | None, start: str, reason: str
) -> None:
    decision = decided(plan(PRICED), difficulty=(0.1, 0.1), p_escalate=p_escalate)

    assert (decision.start, decision.reason) == (start, reason)


def test_where_a_price_is_unknown_starting_low_pays() -> None:
    unknown = plan(PRICED.replace("price: {input: 4, output: 4}", "concurrency: 3"))

    assert decided(unknown, difficulty=(0.1, 0.1), p_escalate=(1.0, 0.0, 0.0)).start == "nano"


def test_what_is_forced_is_not_asked_whether_it_pays() -> None:
    on = plan(PRICED)

    assert decided(on, forced=on.tiers["nano"], difficulty=(0.1,), p_escalate=(1.0, 1.0, 0.0)).reason == "forced"
    assert decided(on, bounds=Bounds(start="nano", rule="r"), p_escalate=(1.0, 1.0, 0.0)).reason == "rule:r"


@given(st.tuples(*(st.floats(0, 1),) * 3), st.floats(0, 1))
def test_starting_low_never_costs_more_than_starting_one_up(p_escalate: tuple[float, ...], hard: float) -> None:
    decision = decided(plan(PRICED), difficulty=(hard, hard), p_escalate=p_escalate)
    prices = {"nano": 1, "tuned": 4, "frontier": 10}
    place = list(prices).index(decision.start)

    if place < 2:
        here, above = (list(prices.values())[i] for i in (place, place + 1))
        assert here + p_escalate[place] * above < above


WARM = PRICED.replace(
    "model: b, price: {input: 10, output: 10}", "model: b, price: {input: 10, cached_input: 1, output: 10}"
)
LONG = asked("word " * 8000, max_tokens=10)
"""About 10,000 tokens: a cent at `nano`, ten at `frontier`, one there where its prompt cache is warm."""


@pytest.mark.parametrize(
    ("pin", "more", "start"),
    [
        (pinned("frontier", "big", 10_000), {}, "frontier"),
        (pinned("frontier", "big", 10_000), {"deescalates": True}, "frontier"),  # 1 cent + 9 lost is more than 1
        (pinned("frontier", "big"), {"deescalates": True}, "nano"),  # its cache is cold: nothing is lost
        (pinned("frontier", "gone", 10_000), {"deescalates": True}, "nano"),
        (pinned("tuned", "small", 10_000), {"deescalates": True}, "nano"),  # no price for cached tokens: none is saved
        (pinned("frontier", "big"), {"deescalates": True, "caller": "big"}, "frontier"),
    ],
)
def test_a_conversation_goes_back_down_only_where_that_is_worth_the_cache_it_loses(
    pin: Pin, more: dict[str, Any], start: str
) -> None:
    assert decided(plan(WARM), LONG, difficulty=(0.1, 0.1), pin=pin, **more).start == start


def test_where_a_price_is_unknown_a_conversation_stays() -> None:
    unknown = plan(WARM.replace("price: {input: 1, output: 1}", "concurrency: 3"))

    assert decided(unknown, LONG, difficulty=(0.1, 0.1), pin=pinned("frontier", "big"), deescalates=True).start == (
        "frontier"
    )


def test_going_up_is_cheaper_where_the_cache_is_warm() -> None:
    cold, warm = (
        decided(plan(WARM), LONG, difficulty=(0.9, 0.1), p_escalate=(1.0, 0.5, 0.0), pin=pin).start
        for pin in (None, pinned("", "big", 10_000))
    )

    assert (cold, warm) == ("tuned", "frontier")


def test_a_warm_cache_may_be_what_a_request_can_pay() -> None:
    afford = [decided(plan(WARM), LONG, budget=0.02, pin=pinned("", "big", tokens)) for tokens in (0, 10_000)]

    assert [[step.tier.name for step in one.steps][-1] for one in afford] == ["nano", "frontier"]


def test_the_lower_cap_counts_and_is_handed_on() -> None:
    on = plan(PRICED)

    assert decided(on, difficulty=(0.1, 0.1)).budget == 1
    assert decided(on, difficulty=(0.1, 0.1), budget=0.5).budget == 0.5
    assert decided(on, difficulty=(0.1, 0.1), budget=2.0).budget == 1
    assert decided(on, difficulty=(0.1, 0.1)).expected.output == 256


def test_a_hard_request_that_may_not_cost_what_the_last_tier_does_starts_lower_because_of_that() -> None:
    decision = decided(plan(PRICED.replace("max_cost_usd: 1", "max_cost_usd: 0.0015")), difficulty=(0.9, 0.9))

    assert (tiers(decision), decision.reason) == (["tuned"], "cost")


def test_the_routes_cap_is_named_when_it_is_the_lower_one() -> None:
    with pytest.raises(BadRequest, match="that is the route's max_cost_usd") as told:
        decided(plan(PRICED.replace("max_cost_usd: 1", "max_cost_usd: 0")), difficulty=(0.1, 0.1), budget=1.0)

    assert (told.value.param, told.value.code) == (None, "max_cost_exceeded")


# --------------------------------------------------------------------------------------------------------- exploration


@pytest.mark.parametrize(("hard", "start", "below"), [(0.9, "tuned", ["nano"]), (0.3, "nano", [])])
def test_exploring_starts_one_tier_down_and_no_further(hard: float, start: str, below: list[str]) -> None:
    decision = decided(THREE, difficulty=(hard, hard), explore=0.02, draw=0.019)

    assert (decision.start, decision.reason, decision.propensity) == (start, "explore", 0.02)
    assert [step.tier.name for step in decision.below] == below
    assert tiers(decision)[-1] == "frontier"


def test_who_could_have_explored_and_did_not_says_how_likely_that_was() -> None:
    decision = decided(THREE, difficulty=(0.9, 0.9), explore=0.02, draw=0.02)

    assert (decision.start, decision.reason, decision.propensity) == ("frontier", "hard", 0.98)
    assert [step.tier.name for step in decision.below] == ["nano", "tuned"]


@pytest.mark.parametrize(
    "more",
    [
        {"difficulty": (0.1,)},  # at the lowest tier already
        {"explore": 0.0},
        {"forced": PLAN.tiers["frontier"]},
        {"threshold": 0.0},  # the client says where
        {"pin": pinned("frontier")},
        {"pin": pinned("tuned")},  # pinned below: this session's start is not to be gambled with either
        {"bounds": Bounds(start="frontier", rule="r")},
        {"bounds": Bounds({"eu": "yes"})},
        {"novelty": 1.0, "scope": 0.99},
        {"request": asked("word " * 1000)},  # it does not fit the tier below
        {"request": asked(max_tokens=100), "budget": 0.00105},  # one of the two can be paid, both cannot
    ],
)
def test_chance_has_no_say_where_something_else_said_where_to_start(more: dict[str, Any]) -> None:
    more = {"difficulty": (0.9,), "explore": 0.5, **more}

    assert decided(**more, draw=0.0) == decided(**more, draw=0.999)
    assert decided(**more, draw=0.0).propensity == 1.0


def test_exploring_may_cost_what_both_tiers_cost() -> None:
    decision = decided(request=asked(max_tokens=100), difficulty=(0.9,), explore=0.5, draw=0.0, budget=0.0012)

    assert (decision.start, decision.reason) == ("tuned", "explore")


def test_with_a_budget_an_unknown_price_is_not_explored() -> None:
    unknown = plan(TWO_TIERS.replace("price: {input: 10, output: 10}", "concurrency: 3"))

    assert decided(unknown, difficulty=(0.9,), explore=0.5, draw=0.0, budget=1.0).propensity == 1.0


@given(
    difficulty=st.lists(shares, min_size=2, max_size=2),
    rate=st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5]),
    novelty=shares,
    pin=st.sampled_from([None, "nano", "tuned", "frontier"]),
    bounds=st.sampled_from([Bounds(), Bounds({"eu": "yes"}), Bounds(start="tuned", rule="r")]),
)
def test_propensities_are_what_the_dice_do(
    difficulty: list[float], rate: float, novelty: float, pin: str | None, bounds: Bounds
) -> None:
    """Every face of a die of a hundred sides is thrown once: a start's share of them is its propensity."""
    more: dict[str, Any] = {
        "novelty": novelty,
        "scope": 0.9,
        "pin": pin and pinned(pin),
        "bounds": bounds,
        "explore": rate,
    }
    thrown = [decided(THREE, difficulty=tuple(difficulty), **more, draw=(face + 0.5) / 100) for face in range(100)]

    for start in {each.start for each in thrown}:
        there = [each for each in thrown if each.start == start]
        assert [each.propensity for each in there] == pytest.approx([len(there) / 100] * len(there))


def test_what_stands_for_many_adds_up_to_the_traffic() -> None:
    """Inverse propensity weights: the requests that explored stand for all that could have."""
    thrown = [decided(difficulty=(0.9,), explore=0.05, draw=(face + 0.5) / 1000) for face in range(1000)]

    for start in ("tuned", "frontier"):
        assert sum(1 / each.propensity for each in thrown if each.start == start) == pytest.approx(1000)
