"""Measuring everything that is claimed."""

from pathlib import Path

import pytest

from router.learning import bench
from tests.learning.small import read


def test_without_data_it_says_how_to_name_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(tmp_path)
    assert ended.value.code == 2
    assert "SMALLFIRST_DATA" in capsys.readouterr().err


def test_some_rows_are_the_same_rows_every_time() -> None:
    rows = read(30)
    assert bench.some(rows, 5) == bench.some(rows, 5)
    assert len(bench.some(rows, 99)) == 30
