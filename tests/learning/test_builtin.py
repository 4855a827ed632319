"""The recipe of the model that ships."""

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from router import signals
from router.chat import ChatRequest
from router.difficulty import Builtin
from router.difficulty.builtin import plain
from router.learning import builtin
from router.learning.data import Row


def outcome(number: int, *, long_is_hard: bool = True) -> dict[str, Any]:
    """Return a row: the small tier fails on long prompts, or on short ones."""
    long = bool(number % 2)
    return {
        "id": str(number),
        "messages": [{"role": "user", "content": "this and that, " * (20 + number % 7 if long else 1 + number % 3)}],
        "outcomes": {
            "tuned": {"score": int(long is not long_is_hard or number % 9 == 0)},
            "frontier": {"score": int(number % 10 > 0)},
        },
    }


def rows(count: int, *, long_is_hard: bool = True) -> list[Row]:
    made = (outcome(number, long_is_hard=long_is_hard) for number in range(count))
    return [
        Row(
            id=one["id"],
            task=None,
            request=ChatRequest({"messages": one["messages"]}, ""),
            scores=tuple(float(one["outcomes"][tier]["score"]) for tier in ("tuned", "frontier")),
            costs=(float("nan"), float("nan")),
        )
        for one in made
    ]


def test_it_is_trained_on_all_sources_and_written_into_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("router.difficulty.__file__", str(tmp_path / "__init__.py"))
    for source in builtin.SOURCES:
        made = b"\n".join(orjson.dumps(outcome(number)) for number in range(60))
        (tmp_path / f"{source}.jsonl.gz").write_bytes(gzip.compress(made))

    builtin.main(tmp_path)

    assert orjson.loads(capfd.readouterr().out)["rows"] == dict.fromkeys(builtin.SOURCES, 60)
    assert plain(orjson.loads((tmp_path / "builtin.json").read_bytes())).band_edges


def test_what_it_learned_is_that_the_long_are_hard() -> None:
    model = Builtin(plain(builtin.fit({"one": rows(200), "other": rows(60)}, today=date(2026, 11, 22))), ("a", "b"))
    short, long = (model(row.request, signals.read(row.request)).difficulty[0] for row in (rows(2)[0], rows(2)[1]))

    assert short < long


def test_data_in_which_the_facts_tell_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="do not tell what is hard"):
        builtin.fit({"one": rows(200, long_is_hard=False)}, today=date(2026, 11, 22))
