"""Who is asked first: models, thresholds in every spelling, calibrations, scopes."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from router import difficulty, signals
from router.assembly import AssemblyError, read
from router.difficulty import file
from router.plan import Plan
from tests.assembly.made import of
from tests.learning import small
from tests.plans import TWO_TIERS, asked, plan


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
