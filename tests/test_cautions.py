"""What an operator hears of thresholds that nobody has measured."""

import datetime as dt
from pathlib import Path

import pytest

from router import keys
from router.assembly import read
from router.cautions import cautions
from router.difficulty import builtin
from router.policy import Caution, Note
from tests.learning import small
from tests.plans import TWO_TIERS

THREE = TWO_TIERS.replace("  frontier: {", "  middle: {deployments: [small]}\n  frontier: {", 1)


def told(folder: Path, route: str, policy: str = TWO_TIERS) -> list[str]:
    """Return the cautions about a route, without their file."""
    (folder / "m.model").write_bytes(small.model_file())
    (folder / "c.json").write_bytes(small.calibration_file())
    (folder / "none.json").write_bytes(small.calibration_file(threshold=0.0))
    path = folder / "policy.yaml"
    path.write_text(policy.replace("difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]", route))
    return [str(one).removeprefix(f"{path}:") for one in cautions(*read(path, {}, now=0.0), now=0.0)]


def two(threshold: str, model: str = "m.model") -> str:
    return f"difficulty: {model}, cascade: [{{tier: tuned, {threshold}}}, {{tier: frontier}}]"


def test_a_constant_is_nobody_s_business_here(tmp_path: Path) -> None:
    assert told(tmp_path, two("below: 0.3", "0.2")) == []


@pytest.mark.parametrize(
    ("route", "message"),
    [
        (two("below: 0.2", "builtin"), "the builtin model knows nothing of your tiers; about "),
        (
            two("below: 0.06"),
            "the model file does not say that it was trained on these deployments' answers; about ",
        ),
        (two("below: 0"), "answers; no difficulty it has seen is below 0, so nothing would start here"),
        (
            two("below: 0.99"),
            "every difficulty it has seen is below 0.99, so everything that gets here would start here",
        ),
        (two("below: auto"), "there is no calibration, so nothing starts at 'tuned' until this route names one"),
        (two("below: auto"), "meanwhile shadows ask 'tuned' what it would have said"),
        ("calibration: none.json, " + two("below: auto"), "the calibration supports no threshold, so nothing starts"),
    ],
)
def test_a_threshold_that_nobody_measured_is_told_with_what_it_does(tmp_path: Path, route: str, message: str) -> None:
    (caution,) = told(tmp_path, route)
    assert caution.startswith("15 routes.auto.cascade[0].below: ")
    assert message in caution


@pytest.mark.parametrize("route", ["calibration: c.json, " + two("below: auto"), two("share: 0.6"), two("share: 0")])
def test_what_was_measured_or_says_itself_what_it_does_is_left_alone(tmp_path: Path, route: str) -> None:
    assert told(tmp_path, route) == []


def test_a_share_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (caution,) = told(tmp_path, two("share: 0.1"))
    assert caution.endswith(
        "many of the model's training prompts are equally difficult: about 0% of them would start here, not 10%"
    )


def test_a_rung_in_the_middle_gets_what_is_left(tmp_path: Path) -> None:
    model = builtin(("tuned", "middle", "frontier"))
    for reaches, left in ((0.8, 0.3), (0.2, 0.0)):
        below = model.threshold(reaches, 1)
        cascade = f"cascade: [{{tier: tuned, share: 0.5}}, {{tier: middle, below: {below}}}, {{tier: frontier}}]"
        (caution,) = told(tmp_path, cascade, THREE)
        place, _, said = caution.partition("; about ")
        assert place.endswith("cascade[1].below: the builtin model knows nothing of your tiers")
        assert float(said.partition("%")[0]) / 100 == pytest.approx(left, abs=0.03)


def test_beside_a_calibration_a_rung_in_the_middle_is_told(tmp_path: Path) -> None:
    shipped = builtin(("tuned", "frontier"))
    (tmp_path / "b.json").write_bytes(small.calibration_file(model=shipped.hash))
    cascade = "cascade: [{tier: tuned, below: auto}, {tier: middle, below: 0.19}, {tier: frontier}]"
    (caution,) = told(tmp_path, f"calibration: b.json, {cascade}", THREE)
    assert caution.endswith("cascade[1].below: the calibration says nothing of requests that start at 'middle'")


SERVED = {"tuned": ["s"], "frontier": ["b"]}


def origins_in(folder: Path, route: str, origins: dict[str, list[str]]) -> list[str]:
    """Return the cautions about a route whose model file says whose answers it was trained on."""
    (folder / "own.model").write_bytes(small.model_file(origins=origins))
    return told(folder, route)


def test_a_number_is_left_alone_where_the_model_knows_these_very_answers(tmp_path: Path) -> None:
    assert origins_in(tmp_path, two("below: 0.06", "own.model"), SERVED) == []


def test_another_tune_than_the_model_was_trained_on_is_told(tmp_path: Path) -> None:
    was = {**SERVED, "tuned": ["s tune v2"]}
    (caution,) = origins_in(tmp_path, two("below: 0.06", "own.model"), was)
    assert "other answers than these tiers give: 'tuned' was s tune v2 and is s; about " in caution


def test_a_calibration_for_other_answers_does_not_count(tmp_path: Path) -> None:
    was = {**SERVED, "tuned": ["s tune v2"]}
    contents = small.model_file(origins=was)
    (tmp_path / "own.json").write_bytes(small.calibration_file(model=contents[-32:].hex()[:16]))
    (caution,) = origins_in(tmp_path, "calibration: own.json, " + two("below: auto", "own.model"), was)
    assert caution.endswith("its calibration does not count, and nothing starts at 'tuned'")


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (two("below: 0.2", "builtin"), Note),
        (two("below: auto", "builtin"), Note),
        (two("below: auto"), Note),
        (two("below: 0", "builtin"), Caution),
        (two("below: 0.999", "builtin"), Caution),
        (two("below: 0.06"), Caution),
        ("calibration: none.json, " + two("below: auto"), Caution),
    ],
)
def test_how_everybody_begins_is_a_note_and_what_cannot_be_meant_a_caution(
    tmp_path: Path, route: str, kind: type[Caution | Note]
) -> None:
    told(tmp_path, route)

    (one,) = cautions(*read(tmp_path / "policy.yaml", {}, now=0.0), now=0.0)

    assert type(one) is kind


@pytest.mark.parametrize(
    ("day", "due"), [(dt.datetime(2027, 5, 1, 23, tzinfo=dt.UTC), 0), (dt.datetime(2027, 5, 2, tzinfo=dt.UTC), 1)]
)
def test_a_tune_that_is_past_its_day_is_noted(tmp_path: Path, day: dt.datetime, due: int) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        TWO_TIERS.replace("    model: s\n", "    model: s\n    tune: {id: v3, refresh_due: 2027-05-01}\n", 1)
    )
    now = day.timestamp()

    found = cautions(*read(path, {}, now=now), now=now)

    assert [type(one) for one in found] == [Note] * due
    assert all(
        "deployments.small.tune.refresh_due: this tune was to be trained again by 2027-05-01" in str(one)
        for one in found
    )


def test_a_limit_for_a_key_that_there_is_not_is_told(tmp_path: Path) -> None:
    keys.add(tmp_path / "keys.yaml", "support-desk", "sf-desk", labels={}, now=0)
    limits = "auth: {keys: keys.yaml}\nlimits: {desk: {keys: [support-desk, suport-desk], parallel: 4}}\n"
    found = told(tmp_path, two("below: 0.3", "0.2"), TWO_TIERS + limits)

    assert [one.partition(" ")[2] for one in found] == [
        "limits.desk.keys[1]: no key in keys.yaml is named 'suport-desk'; did you mean 'support-desk'?"
    ]
    (tmp_path / "keys.yaml").write_text("nonsense")
    assert told(tmp_path, two("below: 0.3", "0.2"), TWO_TIERS + limits) == []
