"""From a policy to a plan: what it says, what is looked up where it is silent, and what cannot be used."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from router import difficulty, signals
from router.assembly import AssemblyError, plan_of, read
from router.difficulty import file
from router.plan import ALL, Plan
from router.policy import load, loads
from router.pricing import Price, PriceList
from tests.learning import small
from tests.plans import TWO_TIERS, asked, plan

LISTED = PriceList(
    json.dumps(
        {
            "known-model": {
                "litellm_provider": "openai",
                "input_cost_per_token": 1e-6,
                "output_cost_per_token": 2e-6,
                "max_input_tokens": 4096,
                "supports_function_calling": False,
                "supports_vision": True,
            }
        }
    )
)


def of(deployment: str, prices: PriceList = LISTED, tier: str = "deployments: [a]") -> Plan:
    text = f"""
version: 1
deployments: {{a: {{base_url: "http://127.0.0.1:1/v1", {deployment}}}}}
tiers: {{tuned: {{{tier}}}}}
routes: {{auto: {{cascade: [{{tier: tuned}}]}}}}
"""
    return plan_of(loads(text), prices, now=1_700_000_000.9)


def test_every_name_a_client_may_use_is_a_route() -> None:
    made = plan()
    assert {name: route.kind for name, route in made.routes.items()} == {
        "auto": "route",
        "tuned": "tier",
        "frontier": "tier",
        "small": "deployment",
        "big": "deployment",
    }
    assert [rung.below for rung in made.routes["auto"].cascade] == [0.3, 0.0]


def test_a_tier_s_route_is_that_tier_and_a_deployment_s_is_bare() -> None:
    made = of("model: m", tier="deployments: [a], params: {temperature: 0}")
    assert made.routes["tuned"].cascade[0].tier is made.tiers["tuned"]
    bare = made.routes["a"].cascade[0].tier
    assert (bare.checks, bare.params, bare.hold, [one.name for one in bare.deployments]) == ((), {}, 0, ["a"])
    assert made.routes["a"].estimate is None
    assert made.routes["a"].rules == ()


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


def test_personal_data_are_looked_for_only_where_a_rule_asks() -> None:
    assert not plan().reads_pii
    rule = 'auto: {rules: [{name: p, when: {pii: [email]}, require: {eu: "yes"}}], '
    assert plan(TWO_TIERS.replace("auto: {", rule)).reads_pii


def test_the_time_it_was_made_is_whole_seconds() -> None:
    assert of("model: m").created == 1_700_000_000


def test_one_tier_needs_no_estimate() -> None:
    assert of("model: m").routes["auto"].estimate is None


@pytest.mark.parametrize("difficulty", ["builtin", "0.2"])
def test_more_tiers_do(difficulty: str) -> None:
    route = plan(TWO_TIERS.replace("difficulty: 0.2", f"difficulty: {difficulty}")).routes["auto"]
    assert route.estimate is not None
    estimate = route.estimate(asked(), signals.read(asked()))
    assert len(estimate.p_good) == 2


def test_a_model_file_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "m.model").write_bytes(b"not a model")
    (tmp_path / "policy.yaml").write_text(TWO_TIERS.replace("difficulty: 0.2", "difficulty: m.model"))
    with pytest.raises(AssemblyError, match=r"policy\.yaml:15 routes\.auto\.difficulty: ") as caught:
        read(tmp_path / "policy.yaml", {}, now=0.0)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_is_read_with_the_environment(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(TWO_TIERS.replace("model: s", "model: ${MODEL}"))
    policy, made = read(tmp_path / "policy.yaml", {"MODEL": "tuned-7"}, now=0.0)
    assert made.deployments["small"].model == "tuned-7"
    assert made.version == policy.version_hash


# ------------------------------------------------------------------------------------------------- thresholds and scope


def learned(folder: Path, route: str, files: Mapping[str, bytes] = {}, policy: str = TWO_TIERS) -> Plan:
    """Return the plan of a route whose files are `m.model`, a trained model, and those given."""
    for name, content in {"m.model": small.model_file(), **files}.items():
        (folder / name).write_bytes(content)
    text = policy.replace("difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]", route)
    (folder / "policy.yaml").write_text(text)
    return read(folder / "policy.yaml", {}, now=0.0)[1]


def thresholds(made: Plan) -> list[float]:
    return [rung.below for rung in made.routes["auto"].cascade]


@pytest.mark.parametrize("share", [0.0, 0.4, 0.6, 0.8, 1.0])
def test_a_share_is_the_threshold_at_which_so_many_training_prompts_start(tmp_path: Path, share: float) -> None:
    made = learned(tmp_path, f"difficulty: m.model, cascade: [{{tier: tuned, share: {share}}}, {{tier: frontier}}]")
    below = thresholds(made)[0]
    assert small.model().share(below) == pytest.approx(share, abs=0.02)


def test_the_builtin_model_shares_out_every_rung() -> None:
    three = TWO_TIERS.replace("  frontier: {", "  middle: {deployments: [small]}\n  frontier: {", 1)
    cascade = "cascade: [{tier: tuned, share: 0.3}, {tier: middle, share: 0.4}, {tier: frontier}]"
    made = plan(three.replace("difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]", cascade))
    model = difficulty.learned(made.routes["auto"].estimate)
    assert isinstance(model, difficulty.Builtin)
    first, second, last = thresholds(made)
    assert model.share(first) == pytest.approx(0.3, abs=0.02)
    assert model.share(second, 1) == pytest.approx(0.7, abs=0.02)
    assert last == 0


def test_a_model_file_shares_out_its_first_tier_only(tmp_path: Path) -> None:
    _, arrays = small.fitted()
    wide = {name: arrays[name][..., [0, 0, 1]] for name in ("grams", "structure", "bias", "votes", "rates", "mix")}
    header = {**small.fitted()[0], "tiers": ["tuned", "middle", "frontier"]}
    three = file.pack(header, {**arrays, **wide})
    route = "difficulty: three.model, cascade: [{tier: tuned, share: 0.6}, {tier: middle, SAID}, {tier: frontier}]"
    text = TWO_TIERS.replace("  frontier: {", "  middle: {deployments: [small]}\n  frontier: {", 1)
    made = learned(tmp_path, route.replace("SAID", "below: 0.1"), {"three.model": three}, text)
    assert small.model().share(thresholds(made)[0]) == pytest.approx(0.6, abs=0.02)
    with pytest.raises(AssemblyError, match=r"routes\.auto\.cascade\[1\]\.share: a model file remembers what was"):
        learned(tmp_path, route.replace("SAID", "share: 0.1"), {"three.model": three}, text)


AUTO = "difficulty: m.model, cascade: [{tier: tuned, below: auto}, {tier: frontier}]"


def test_auto_serves_the_last_tier_until_there_is_a_calibration(tmp_path: Path) -> None:
    assert thresholds(learned(tmp_path, AUTO)) == [0.0, 0.0]


def test_auto_is_what_the_calibration_found(tmp_path: Path) -> None:
    found = json.loads(small.calibration_file())
    made = learned(tmp_path, f"calibration: c.json, {AUTO}", {"c.json": small.calibration_file()})
    assert thresholds(made) == [found["threshold"], 0.0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "not a calibration; `smallfirst calibrate --out` writes one"),
        (b"[]", "not a calibration"),
        (None, "made for the model 0123, not "),
    ],
)
def test_a_calibration_that_cannot_be_used_is_told_in_one_line_with_its_place(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    content = content or small.calibration_file(model="0123")
    with pytest.raises(AssemblyError) as caught:
        learned(tmp_path, f"calibration: c.json, {AUTO}", {"c.json": content})
    assert f"policy.yaml:15 routes.auto.calibration: {tmp_path / 'c.json'}: {told}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_new_calibration_is_a_new_version_of_the_policy(tmp_path: Path) -> None:
    route = f"calibration: c.json, {AUTO}"
    first = learned(tmp_path, route, {"c.json": small.calibration_file()})
    second = learned(tmp_path, route, {"c.json": small.calibration_file(threshold=0.1)})
    assert first.version != second.version
    assert tmp_path / "c.json" in read(tmp_path / "policy.yaml", {}, now=0.0)[0].files


@pytest.mark.parametrize(
    ("said", "scope"), [("", 0.99), ("scope: {novelty: 0.9}, ", 0.9), ("scope: {novelty: 1}, ", 1)]
)
def test_a_trained_model_has_a_scope_unless_the_policy_says_otherwise(tmp_path: Path, said: str, scope: float) -> None:
    assert learned(tmp_path, said + AUTO).routes["auto"].scope == scope


@pytest.mark.parametrize("named", ["builtin", "0.2"])
def test_others_have_none(named: str) -> None:
    made = plan(TWO_TIERS.replace("difficulty: 0.2", f"difficulty: {named}"))
    assert made.routes["auto"].scope is None


def test_a_model_that_cannot_tell_what_is_novel_has_no_scope(tmp_path: Path) -> None:
    blind = {"blind.model": small.model_file(distances=[])}
    route = AUTO.replace("m.model", "blind.model")
    assert learned(tmp_path, route, blind).routes["auto"].scope is None
    with pytest.raises(AssemblyError, match=r"routes\.auto\.scope: this model file cannot tell what is novel"):
        learned(tmp_path, f"scope: {{novelty: 0.9}}, {route}", blind)


def _identities(policy: str) -> tuple[str, str]:
    route = plan(policy).routes["auto"]
    return route.state, route.answers


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("price: {input: 1, output: 1}", "price: {input: 2, output: 2}", (False, False)),
        ("model: s\n", "model: s\n    api_key: sk-other\n", (False, False)),
        ("127.0.0.1:1/v1", "127.0.0.1:9/v1", (False, True)),
        ("below: 0.3", "below: 0.4", (True, False)),
        ("model: s\n", "model: s2\n", (True, True)),
        ("tuned: {deployments: [small]}", "tuned: {deployments: [small], checks: [refusal]}", (False, True)),
        ("tuned: {deployments: [small]}", "tuned: {deployments: [small], params: {top_p: 0.5}}", (True, True)),
        ("version: 1", "version: 1\nserver: {max_body: 1MiB}", (False, False)),
    ],
)
def test_what_was_learned_and_what_was_answered_belong_to_what_they_came_from(
    before: str, after: str, changed: tuple[bool, bool]
) -> None:
    assert before in TWO_TIERS
    learned, answered = _identities(TWO_TIERS)
    now = _identities(TWO_TIERS.replace(before, after, 1))
    assert (now[0] != learned, now[1] != answered) == changed


def test_a_prompt_file_that_is_edited_is_another_prompt(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        TWO_TIERS.replace("tuned: {deployments: [small]}", "tuned: {deployments: [small], prompt: {system: lean.md}}")
    )
    made = []
    for text in ("be brief", "be very brief", "be brief"):
        (tmp_path / "lean.md").write_text(text)
        route = plan_of(load(tmp_path / "p.yaml", {}), PriceList(), now=0.0).routes["auto"]
        made.append((route.state, route.answers))
    assert made[0] == made[2]
    assert made[0][0] != made[1][0]
    assert made[0][1] != made[1][1]
