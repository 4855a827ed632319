"""`train`, `score`, `eval`, `calibrate`: what they print, and how they end."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from router import calibration
from router.difficulty.model import Model
from router.learning.score import opened
from tests.cli.calling import Called, call
from tests.learning.outcomes import lines, written
from tests.plans import TWO_TIERS

Run = Callable[..., Called]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return lambda *words: call(capfd, monkeypatch, *map(str, words))


@pytest.fixture
def folder(tmp_path: Path, run: Run) -> Path:
    """A folder with a model `m.model`, trained on `train.jsonl`, and more outcomes to judge it by in `test.jsonl`."""
    written(tmp_path / "train.jsonl", lines(300))
    written(tmp_path / "test.jsonl", lines(600, seed=1))
    assert run("train", "--data", tmp_path / "train.jsonl", "--out", tmp_path / "m.model").code == 0
    return tmp_path


def test_train_shows_how_far_it_is_on_a_terminal(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "--data", folder / "train.jsonl", "--out", folder / "o.model", "--json")
    assert not run(*words).err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    told = run(*words).err
    assert f"reading  [{'#' * 40}] 100%\n" in told
    assert f"learning [{'.' * 40}]   0%" in told
    assert told.endswith(f"learning [{'#' * 40}] 100%\n")


def test_train_writes_exactly_the_file_it_was_told_to(folder: Path, run: Run) -> None:
    told = run("train", "--data", folder / "train.jsonl", "--out", folder / "o.model", "--json")
    assert (told.code, told.document["rows"], told.document["verdict"]) == (0, 300, "better than prompt length")
    assert isinstance(opened(str(folder / "o.model")), Model)
    assert {entry.name for entry in folder.iterdir()} == {"train.jsonl", "test.jsonl", "m.model", "o.model"}


def test_train_speaks_to_people_too(folder: Path, run: Run) -> None:
    told = run("train", "--data", folder / "train.jsonl", "--out", folder / "o.model")
    assert "300 rows" in told.out
    assert "length" in told.out


def test_score_prints_a_line_for_every_request(folder: Path, run: Run) -> None:
    told = run("score", "--model", folder / "m.model", "--data", folder / "test.jsonl")
    scored = [orjson.loads(line) for line in told.out.splitlines()]
    assert [line["id"] for line in scored] == [f"row-{number}" for number in range(600)]
    assert set(scored[0]["p_good"]) == {"tuned", "frontier"}
    assert 0 <= scored[0]["novelty"] <= 1


def test_eval_tells_the_figures_and_draws_them(folder: Path, run: Run) -> None:
    shown = ("--json", "--plot", folder / "curve.png", "--robustness")
    found = run("eval", "--model", folder / "m.model", "--data", folder / "test.jsonl", *shown).document
    assert found["n"] == 600
    assert 0.6 < found["apgr"] < found["baselines"]["oracle"]
    assert {"cpt50", "cpt80", "auc", "ece", "tasks", "reliability", "near_misses", "curve"} <= set(found)
    assert "upper case" in found["robustness"]
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_eval_speaks_to_people_too(folder: Path, run: Run) -> None:
    told = run("eval", "--model", "builtin", "--data", folder / "test.jsonl", "--robustness").out
    assert "APGR" in told
    assert "typos" in told


def test_calibrate_writes_what_a_policy_names(folder: Path, run: Run) -> None:
    model, out = folder / "m.model", folder / "c.json"
    words = ("calibrate", "--model", model, "--data", folder / "test.jsonl", "--floor", "0.8")
    found = run(*words, "--out", out, "--json").document
    assert found["threshold"] > 0
    assert found["quality"]["lower_bound"] >= 0.8
    made_for = opened(str(model))
    read = calibration.read(out.read_bytes(), "c.json", model=made_for.hash, tiers=made_for.tiers)
    assert read.threshold == found["threshold"]
    assert "start at tuned" in run(*words).out


def test_calibrate_refuses_honestly(folder: Path, run: Run) -> None:
    written(folder / "few.jsonl", lines(30))
    words = ("calibrate", "--model", folder / "m.model", "--data", folder / "few.jsonl", "--floor", "0.99")
    told = run(*words, "--json")
    assert (told.code, told.document["threshold"], told.document["tuned_share"]) == (1, 0, 0)
    assert "last tier only" in run(*words).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("score --model {0}/junk.model --data {0}/test.jsonl", "not a model file"),
        ("score --model {0}/absent --data {0}/test.jsonl", "cannot be read"),
        ("eval --model builtin --data {0}/absent.jsonl", "cannot be read"),
        ("eval --model builtin --tiers x,y --data {0}/test.jsonl", "no row has an outcome of both x and y"),
        ("train --out {0}/x --tiers one --data {0}/test.jsonl", "at least two different names"),
        ("train --out {0}/x --tiers x,y --data {0}/test.jsonl", "too few outcomes"),
        ("train --out {0}/none/x --data {0}/test.jsonl", "No such file"),
    ],
)
def test_a_wrong_input_is_one_clear_line(folder: Path, run: Run, words: str, message: str) -> None:
    (folder / "junk.model").write_bytes(b"junk")
    told = run(*words.format(folder).split())
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert told.err.count("\n") == 1


def test_a_few_bad_lines_are_told_and_left_out(folder: Path, run: Run) -> None:
    written(folder / "some.jsonl", [*lines(300), {}])
    told = run("eval", "--model", "builtin", "--data", folder / "some.jsonl", "--json")
    assert told.document["n"] == 300
    assert "some.jsonl:301" in told.err


def test_train_remembers_whose_answers_the_outcomes_are(folder: Path, run: Run) -> None:
    (folder / "policy.yaml").write_text(TWO_TIERS)
    given = ("--data", folder / "train.jsonl", "--out", folder / "o.model", "--policy", folder / "policy.yaml")
    assert run("train", *given).code == 0
    model = opened(str(folder / "o.model"))
    assert isinstance(model, Model)
    assert model.origins == {"tuned": ["s"], "frontier": ["b"]}
    told = run("train", *given, "--tiers", "tuned,huge")
    assert (told.code, "no tier 'huge', which --tiers names" in told.err) == (2, True)


def test_a_model_for_other_tiers_is_refused_by_every_command_that_is_told_tiers(folder: Path, run: Run) -> None:
    for command, *more in (("score",), ("eval",), ("calibrate", "--floor", 0.8)):
        told = run(command, "--model", folder / "m.model", "--data", folder / "test.jsonl", "--tiers", "a,b", *more)
        assert (told.code, "trained for the tiers tuned, frontier, not for a, b" in told.err) == (2, True)


def test_the_builtin_model_is_calibrated_for_any_tiers_and_any_seed(folder: Path, run: Run) -> None:
    rows = lines(400, seed=2)
    for row in rows:
        row["outcomes"] = {"small": row["outcomes"]["tuned"], "large": row["outcomes"]["frontier"]}
    written(folder / "named.jsonl", rows)
    given = ("--model", "builtin", "--data", folder / "named.jsonl", "--floor", 0.5, "--tiers", "small,large")
    found = run("calibrate", *given, "--seed", 7, "--json").document
    assert found["n"] == 400
    assert found["tiers"] == ["small", "large"]
