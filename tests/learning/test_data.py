"""Outcome data, and lines that are none."""

import gzip
import math
from pathlib import Path

import orjson
import pytest

from router.learning.data import DataError, Tally, rows, sample
from tests.learning.outcomes import lines, written

TIERS = ("tuned", "frontier")


def test_rows_have_scores_and_costs_in_the_order_of_the_tiers(tmp_path: Path) -> None:
    one = lines(1)[0] | {"outcomes": {"frontier": {"score": 0.5, "cost_usd": 0.01}}}
    (row,) = rows([written(tmp_path / "d.jsonl", [one])], TIERS, Tally())
    assert math.isnan(row.scores[0])
    assert (row.scores[1], row.costs[1], row.id, row.request.messages) == (0.5, 0.01, "row-0", one["messages"])


def test_compressed_files_and_several_of_them_are_read(tmp_path: Path) -> None:
    packed = tmp_path / "d.jsonl.gz"
    packed.write_bytes(gzip.compress(b"\n".join(orjson.dumps(row) for row in lines(3)) + b"\n\n"))
    tally = Tally()
    assert len(list(rows([packed, written(tmp_path / "e.jsonl", lines(2))], TIERS, tally))) == 5
    assert tally.lines == 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "d.jsonl:200"),
        (b"[]", "d.jsonl:200"),
        (b'{"messages": [], "outcomes": {}}', "messages"),
        (b'{"messages": [{"content": "x"}], "outcomes": {}}', "no role"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "outcomes"),
        (b'{"messages": [{"role": "user", "content": "x"}], "outcomes": {"tuned": {"score": 2}}}', "from 0 to 1"),
        (b'{"messages": [{"role": "user", "content": "x"}], "outcomes": {"tuned": {"score": "1"}}}', "score of tuned"),
        (b'{"messages": [{"role": "user", "content": "x"}], "outcomes": {"tuned": 1}}', "d.jsonl:200"),
    ],
)
def test_a_bad_line_is_named_and_left_out(tmp_path: Path, line: bytes, message: str) -> None:
    path = written(tmp_path / "d.jsonl", lines(199))
    path.write_bytes(path.read_bytes() + b"\n" + line)
    tally = Tally()
    assert len(list(rows([path], TIERS, tally))) == 199
    assert len(tally.bad) == 1
    assert message in tally.bad[0]


def test_more_than_one_per_cent_of_bad_lines_stops(tmp_path: Path) -> None:
    path = written(tmp_path / "d.jsonl", [*lines(97), {}, {}, {}])
    with pytest.raises(DataError, match=r"3 of 100 lines are not outcome data: d\.jsonl:98"):
        list(rows([path], TIERS, Tally()))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(rows([tmp_path / "absent.jsonl"], TIERS, Tally()))
    (tmp_path / "no.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="cannot be read"):
        list(rows([tmp_path / "no.jsonl.gz"], TIERS, Tally()))


def test_of_too_many_rows_an_even_sample_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "d.jsonl", lines(1_000))
    kept = sample([path], TIERS, Tally(), most=100, seed=0)
    numbers = [int(row.id.removeprefix("row-")) for row in kept]
    assert len(set(numbers)) == 100
    assert 350 < sum(numbers) / 100 < 650
    assert numbers == [int(row.id.removeprefix("row-")) for row in sample([path], TIERS, Tally(), most=100, seed=0)]
