"""Records for others."""

import gzip
from pathlib import Path

import orjson
import pytest

from router.outcome import Evidence
from router.records import Feedback, RecordsError, Tally, segments
from router.records.exporting import outcome_data, parquet, plain
from tests.plans import plan
from tests.records.made import outcome, recorder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    taking = recorder(tmp_path / "records", "full")
    taking.serve(plan())
    for number in range(20):
        taking.outcome(outcome(number))
    taking.feedback(Feedback("req_3", 1.0))
    taking.evidence(Evidence("req_4", "auto", "s1", 2, "tuned", 0.0, 1.0, source="shadow", weight=5.0))
    taking.close()
    with segments(tmp_path / "records")[0].path.open("ab") as file:
        file.write(b'{"kind":"outcome","ti')
    return tmp_path / "records"


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_as_they_are(folder: Path, tmp_path: Path, name: str) -> None:
    tally = Tally()

    assert plain(folder, tmp_path / name, 0.0, tally) == "24 records"
    assert tally.torn == 1
    raw = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(raw) if name.endswith(".gz") else raw).splitlines()
    assert [orjson.loads(line)["kind"] for line in lines].count("outcome") == 20


def test_as_outcome_data(folder: Path, tmp_path: Path) -> None:
    said = outcome_data(folder, tmp_path / "data.jsonl", 0.0, Tally(), agreement=False)

    assert said == "2 rows; 18 requests have no score"
    assert len((tmp_path / "data.jsonl").read_bytes().splitlines()) == 2


def test_as_tables(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    tally = Tally()

    said = parquet(folder, tmp_path / "tables", 0.0, tally)

    assert said == "20 outcome, 1 feedback, 1 evidence, 2 plan"
    assert tally.torn == 1


def test_the_tables_are_read_by_others(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    dataset = pytest.importorskip("pyarrow.dataset")
    parquet(folder, tmp_path / "tables", 0.0, Tally())

    rows = dataset.dataset(tmp_path / "tables" / "kind=outcome", partitioning="hive").to_table().to_pylist()

    assert len(rows) == 20
    assert dict(rows[0]["p_good"]) == {"tuned": 0.8, "frontier": 1.0}
    assert [one["verdict"] for one in rows[0]["attempts"]] == ["truncated", "ok"]
    assert rows[0]["date"] == segments(folder)[0].day.isoformat()


def test_moves_are_a_table_with_why_and_on_what_evidence(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    dataset = pytest.importorskip("pyarrow.dataset")
    taking = recorder(tmp_path / "records", "none")
    taking.serve(plan())
    told = {"route": "auto", "tier": "tuned", "verdict": "moved", "before": 0.3, "after": 0.2, "told": "0.3 → 0.2"}
    taking.move({**told, "cause": "set", "numbers": {}})
    taking.move({**told, "cause": "quality", "numbers": {"labels": 400.0}})
    taking.close()
    parquet(tmp_path / "records", tmp_path / "tables", 0.0, Tally())

    rows = dataset.dataset(tmp_path / "tables" / "kind=move", partitioning="hive").to_table().to_pylist()

    assert sorted((one["cause"], one["before"], one["after"]) for one in rows) == [
        ("quality", 0.3, 0.2),
        ("set", 0.3, 0.2),
    ]
    assert sorted(orjson.loads(one["numbers"]).get("labels", 0.0) for one in rows) == [0.0, 400.0]


def test_the_segments_themselves_are_a_table(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    table = f"read_json('{folder}/**/*.jsonl', hive_partitioning = true, {_LENIENT})"
    query = f"SELECT count(*), min(date) FROM {table} WHERE kind > ''"

    count, day = duckdb.connect().execute(query).fetchone()

    assert (count, str(day)) == (24, segments(folder)[0].day.isoformat())


_LENIENT = "ignore_errors=true, format='newline_delimited'"


def test_a_folder_that_holds_something_is_not_written_into(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    with pytest.raises(RecordsError, match="is not empty"):
        parquet(folder, tmp_path, 0.0, Tally())
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordsError, match="no records"):
        parquet(tmp_path / "empty", tmp_path / "tables", 0.0, Tally())
