"""`train`, `score`, `eval`, `calibrate`: what they print, and how they end."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from router import calibration
from router.cli.main import app
from router.cli.telling import Refused
from router.difficulty import Model
from router.learning.score import opened
from tests.learning.outcomes import lines, written

RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("learning")
    written(place / "train.jsonl", lines(300))
    written(place / "test.jsonl", lines(600, seed=1))
    RUN.invoke(app, ["train", "--data", str(place / "train.jsonl"), "--out", str(place / "m.model")])
    return place


def run(*args: str | Path, code: int = 0) -> Any:
    result = RUN.invoke(app, [str(arg) for arg in args])
    if isinstance(result.exception, Refused):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_train_writes_exactly_the_file_it_was_told_to(folder: Path) -> None:
    out = folder / "other.model"
    facts = orjson.loads(run("train", "--data", folder / "train.jsonl", "--out", out, "--json"))
    assert (facts["rows"], facts["verdict"]) == (300, "better than prompt length")
    assert isinstance(opened(str(out)), Model)
    assert not list(folder.glob("*.part"))


def test_score_prints_a_line_for_every_request(folder: Path) -> None:
    told = [
        orjson.loads(line)
        for line in run("score", "--model", folder / "m.model", "--data", folder / "test.jsonl").splitlines()
    ]
    assert [line["id"] for line in told] == [f"row-{number}" for number in range(600)]
    assert set(told[0]["p_good"]) == {"tuned", "frontier"}
    assert 0 <= told[0]["novelty"] <= 1


def test_eval_tells_the_figures_and_draws_them(folder: Path) -> None:
    picture = folder / "curve.png"
    data = ("--data", folder / "test.jsonl")
    found = orjson.loads(run("eval", "--model", folder / "m.model", *data, "--json", "--plot", picture, "--robustness"))
    assert found["n"] == 600
    assert 0.6 < found["apgr"] < found["baselines"]["oracle"]
    assert {"cpt50", "cpt80", "auc", "ece", "tasks", "reliability", "near_misses", "curve"} <= set(found)
    assert found["baselines"]["random"] == 0.5
    assert found["robustness"]["upper case"]["flipped"] < 0.5
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_eval_speaks_to_people_too(folder: Path) -> None:
    told = run("eval", "--model", "builtin", "--data", folder / "test.jsonl")
    assert "APGR" in told
    assert "length" in told


def test_calibrate_writes_what_a_policy_names(folder: Path) -> None:
    out, model = folder / "c.json", folder / "m.model"
    args = ("--model", model, "--data", folder / "test.jsonl", "--floor", "0.8")
    found = orjson.loads(run("calibrate", *args, "--out", out, "--json"))
    assert found["threshold"] > 0
    assert found["quality"]["lower_bound"] >= 0.8
    assert found["cost_usd"]["served"] < found["cost_usd"]["frontier"]
    assert calibration.load(out, opened(str(model)).hash).threshold == found["threshold"]
    with pytest.raises(calibration.CalibrationError, match="calibrate again"):
        calibration.load(out, "another")
    assert "start at tuned" in run("calibrate", *args)


def test_calibrate_refuses_honestly(folder: Path) -> None:
    few = written(folder / "few.jsonl", lines(30))
    args = ("calibrate", "--model", folder / "m.model", "--data", few, "--floor", "0.99")
    assert orjson.loads(run(*args, "--json", code=1))["threshold"] == 0
    assert "last tier only" in run(*args, code=1)


def test_a_wrong_input_is_one_clear_line(folder: Path) -> None:
    (folder / "junk.model").write_bytes(b"junk")
    data = ("--data", folder / "test.jsonl")
    for args, message in (
        (("score", "--model", folder / "junk.model", *data), "not a model file"),
        (("score", "--model", folder / "absent", *data), "cannot be read"),
        (("eval", "--model", "builtin", "--data", folder / "absent.jsonl"), "cannot be read"),
        (("eval", "--model", "builtin", "--tiers", "x,y", *data), "no row has an outcome of both x and y"),
        (("train", "--out", folder / "x", "--tiers", "one", *data), "at least two different names"),
        (("train", "--out", folder / "x", "--tiers", "x,y", *data), "too few outcomes"),
    ):
        with pytest.raises(Refused, match=message) as refused:
            run(*args)
        assert "\n" not in str(refused.value)
