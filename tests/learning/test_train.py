"""From outcomes to a model that was honest about itself."""

import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router import signals
from router.chat import ChatRequest
from router.difficulty import ModelError, load
from router.difficulty.model import Model
from router.learning import made_up, metrics
from router.learning.data import DataError, Tally
from router.learning.data import rows as outcomes
from router.learning.score import judged
from router.learning.train import How, train
from tests.learning.outcomes import lines, written
from tests.learning.small import read

TODAY = date(2026, 11, 22)
TIERS = ("tuned", "frontier")


def trained(folder: Path, rows: list[dict[str, Any]], tiers: tuple[str, ...] = TIERS) -> tuple[Model, dict[str, Any]]:
    out = folder / "m.model"
    facts = train([written(folder / "data.jsonl", rows)], out, tiers, today=TODAY)
    return load(out, tiers), facts


def difficulty(model: Model, text: str) -> float:
    request = ChatRequest({"messages": [{"role": "user", "content": text}]}, model="auto")
    return model(request, signals.read(request)).difficulty[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, dict[str, Any]]:
    return trained(tmp_path_factory.mktemp("model"), lines(400))


def test_it_learns_what_is_hard(model: tuple[Model, dict[str, Any]]) -> None:
    learned, facts = model
    hard = difficulty(learned, "Prove that the integral of water converges absolutely.")
    easy = difficulty(learned, "What is the capital of Peru?")
    assert hard > 0.4
    assert easy < 0.2
    assert facts["apgr"] > 0.65
    assert facts["verdict"] == "better than prompt length"


def test_its_probabilities_are_true_on_average(model: tuple[Model, dict[str, Any]]) -> None:
    learned, _ = model
    seen = judged(learned, read(1_000, seed=9))
    assert metrics.ece(seen.p_good[:, 0], seen.scores[:, 0]) < 0.05


def test_its_facts_say_where_it_comes_from(model: tuple[Model, dict[str, Any]]) -> None:
    _, facts = model
    assert (facts["rows"], facts["bad_lines"], facts["date"]) == (400, 0, "2026-11-22")
    assert facts["data"].startswith("sha256:")


def test_bands_hold_a_tenth_of_the_training_prompts_each(model: tuple[Model, dict[str, Any]]) -> None:
    learned, _ = model
    assert len(learned.band_edges) == 9
    assert learned.share(learned.threshold(0.6)) == pytest.approx(0.6, abs=0.1)


def test_what_is_unlike_the_training_prompts_is_novel(model: tuple[Model, dict[str, Any]]) -> None:
    learned, _ = model
    like = "What is the well known capital city of iron and bread 12?"
    own = ChatRequest({"messages": [{"role": "user", "content": like}]}, "auto")
    code = "def quicksort(items: list[int]) -> list[int]:\n    return items if len(items) < 2 else sorted(items)\n" * 9
    other = ChatRequest({"messages": [{"role": "user", "content": code}]}, "auto")
    known, unknown = (learned(request, signals.read(request)).novelty for request in (own, other))
    assert known is not None
    assert unknown is not None
    assert known < 0.99 < unknown


def test_an_explanation_names_words_where_they_matter(tmp_path: Path) -> None:
    made = list(made_up.rows(400, 1))
    learned, _ = trained(tmp_path, made)
    request = ChatRequest({"messages": made[0]["messages"]}, "auto")
    words = {f"“{word}”" for word in made[0]["messages"][0]["content"].split()}
    assert words & {name for name, _ in learned.explain(request, signals.read(request))}


def test_an_explanation_names_measures_where_they_matter(model: tuple[Model, dict[str, Any]]) -> None:
    learned, _ = model
    request = ChatRequest({"messages": [{"role": "user", "content": "Prove the integral converges."}]}, "auto")
    assert "length" in {name for name, _ in learned.explain(request, signals.read(request))}


def test_the_same_data_and_seed_make_the_same_model(tmp_path: Path) -> None:
    one, _ = trained(tmp_path, lines(120))
    other, _ = trained(tmp_path, lines(120))
    assert one.hash == other.hash


def test_hard_requests_escalate_more_often_where_outcomes_say_so(tmp_path: Path) -> None:
    rows = lines(400)
    for row in rows:
        row["outcomes"]["tuned"]["escalated"] = row["outcomes"]["tuned"]["score"] == 0
    learned, _ = trained(tmp_path, rows)
    assert learned.escalations is not None
    first, last = learned.escalations
    assert max(first[3:5]) < min(first[8:])
    assert last == (0.0,) * 10


def test_a_few_escalations_say_nothing(tmp_path: Path) -> None:
    rows = lines(120)
    rows[0]["outcomes"]["tuned"]["escalated"] = True
    assert trained(tmp_path, rows)[0].escalations is None


def test_of_many_rows_all_are_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up.main(3_000, 1, tmp_path / "many.jsonl")
    made_up.main(1_000, 2, tmp_path / "other.jsonl")
    others = list(outcomes([tmp_path / "other.jsonl"], TIERS, Tally()))
    monkeypatch.setattr("router.learning.train.MOST", 300)
    told: list[tuple[str, int, int]] = []
    found = {}
    for name, count in (("few", 300), ("many", 3_000)):
        made = (tmp_path / "many.jsonl").read_bytes().splitlines(keepends=True)[:count]
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(made))
        how = How(progress=lambda *done: told.append(done))
        facts = train([tmp_path / f"{name}.jsonl"], tmp_path / name, TIERS, today=TODAY, how=how)
        assert facts["rows"] == count
        seen = judged(load(tmp_path / name, TIERS), others)
        found[name] = metrics.auc(seen.difficulty, seen.scores[:, 0])
    assert found["many"] > found["few"] + 0.02
    assert {what for what, *_ in told} == {"reading", "words", "learning"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few", "few.jsonl", "many", "many.jsonl", "other.jsonl"]


def test_a_text_as_long_as_a_book_does_not_make_the_others_take_as_much(tmp_path: Path) -> None:
    made = lines(200)
    made[7]["messages"][0]["content"] *= 20_000
    tracemalloc.start()
    try:
        trained(tmp_path, made)
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


def test_three_tiers_with_gaps_half_scores_copies_and_odd_texts(tmp_path: Path) -> None:
    rows = lines(150) + lines(20)
    for number, row in enumerate(rows):
        row["outcomes"]["middle"] = {"score": 0.5 if number % 3 else 0.75}
        if number % 7 == 0:
            del row["outcomes"]["tuned"]
    rows[1]["messages"] = [{"role": "user", "content": ""}]
    rows[2]["messages"] = [{"role": "user", "content": "字" * 50_000}]
    rows[3]["messages"] = [{"role": "user", "content": [{"type": "text", "text": "parts"}]}]
    learned, _ = trained(tmp_path, rows, ("tuned", "middle", "frontier"))
    request = ChatRequest({"messages": [{"role": "user", "content": "hello"}]}, "auto")
    assert len(learned(request, signals.read(request)).p_good) == 3
    with pytest.raises(ModelError, match="trained for the tiers tuned, middle, frontier"):
        load(tmp_path / "m.model", TIERS)


def test_contradictory_outcomes_make_a_model_that_says_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    rows = lines(300)
    for row in rows:
        row["outcomes"] = {tier: {"score": int(draw.random() < p)} for tier, p in (("tuned", 0.4), ("frontier", 0.7))}
    _, facts = trained(tmp_path, rows)
    assert "no better than" in facts["verdict"] or "not surely" in facts["verdict"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lines(50), "too few outcomes"),
        ([{**row, "outcomes": {t: {"score": 1} for t in TIERS}} for row in lines(120)], "nothing to learn"),
        ([], "too few outcomes to learn from .tuned 0, frontier 0."),
        ([{**row, "messages": [{"role": "user", "content": ""}]} for row in lines(120)], "only 1 different prompts"),
        ([{**row, "outcomes": {"other": {"score": 1}}} for row in lines(120)], "tuned 0"),
        ([*lines(120), {"messages": []}, {"messages": "x"}], "2 of 122 lines are not outcome data"),
    ],
)
def test_useless_data_is_refused(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        trained(tmp_path, rows)
