"""The recipe of the model that ships."""

import gzip
from pathlib import Path

import orjson
import pytest

from router.learning import builtin
from tests.learning.outcomes import lines


def test_it_is_trained_on_all_sources_and_written_into_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("router.difficulty.__file__", str(tmp_path / "__init__.py"))
    for number, source in enumerate(builtin.SOURCES):
        made = b"\n".join(orjson.dumps(row) for row in lines(60, seed=number))
        (tmp_path / f"{source}.jsonl.gz").write_bytes(gzip.compress(made))
    builtin.main(tmp_path)
    assert (tmp_path / "builtin.model").exists()
    assert orjson.loads(capfd.readouterr().out)["rows"] == 180
