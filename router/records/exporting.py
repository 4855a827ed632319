"""Records for others: as JSON Lines, as Parquet tables, as outcome data. The only door to DuckDB.

The segments themselves can be read where they lie, by Spark, Trino, Ray or DuckDB: they are JSON Lines in folders
`date=…`. Parquet is for who reads them often: smaller, typed, and the same columns every time.
"""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from router.records.compacting import superseded
from router.records.facts import gather
from router.records.outcomes import Left, rows
from router.records.reading import RecordsError, Tally, read
from router.records.segments import day_of, segments

__all__ = ["KINDS", "outcome_data", "parquet", "plain"]

_USAGE: Final = "STRUCT(input BIGINT, output BIGINT, cached_input BIGINT, reasoning BIGINT)"
_ATTEMPT: Final = (
    f"STRUCT(tier VARCHAR, deployment VARCHAR, result VARCHAR, verdict VARCHAR, usage {_USAGE}, cost DOUBLE, "
    "waited DOUBLE, trimmed BIGINT, sources VARCHAR[])[]"
)
_SCORES: Final = "MAP(VARCHAR, DOUBLE)"
_ALL: Final = {"kind": "VARCHAR", "time": "DOUBLE"}

KINDS: Final[dict[str, dict[str, str]]] = {
    "outcome": _ALL
    | dict.fromkeys(
        (
            *("id", "tenant", "route", "named", "policy", "state", "start", "tier", "deployment", "reason"),
            *("end", "error", "cache"),
        ),
        "VARCHAR",
    )
    | dict.fromkeys(
        (
            *("difficulty", "threshold", "novelty", "propensity", "cost", "baseline"),
            *("seconds", "first", "overhead"),
        ),
        "DOUBLE",
    )
    | {"stream": "BOOLEAN", "band": "INTEGER", "status": "INTEGER"}
    | {"difficulties": _SCORES, "p_good": _SCORES, "attempts": _ATTEMPT, "signals": "JSON", "content": "JSON"},
    "embeddings": _ALL
    | dict.fromkeys(
        ("id", "tenant", "route", "named", "policy", "tier", "deployment", "reason", "end", "error"), "VARCHAR"
    )
    | {"attempts": _ATTEMPT, "cost": "DOUBLE", "status": "INTEGER", "seconds": "DOUBLE", "overhead": "DOUBLE"},
    "feedback": _ALL
    | dict.fromkeys(("id", "tenant", "route", "start", "tier", "source", "correction"), "VARCHAR")
    | {"band": "INTEGER", "score": "DOUBLE", "reference": "DOUBLE", "corrected": "BOOLEAN"},
    "evidence": _ALL
    | dict.fromkeys(("id", "route", "state", "start", "tier", "measure", "source"), "VARCHAR")
    | {"band": "INTEGER", "passed": "BOOLEAN", "score": "DOUBLE", "reference": "DOUBLE", "weight": "DOUBLE"},
    "aside": _ALL
    | dict.fromkeys(("id", "route", "start", "purpose", "tier", "deployment", "result"), "VARCHAR")
    | {"band": "INTEGER", "usage": _USAGE, "cost": "DOUBLE", "seconds": "DOUBLE"},
    "move": _ALL
    | dict.fromkeys(("route", "state", "tier", "verdict", "cause", "told"), "VARCHAR")
    | {"before": "DOUBLE", "after": "DOUBLE", "numbers": "JSON", "objectives": "JSON"},
    "plan": _ALL | {"policy": "VARCHAR", "per_hour": _SCORES},
}
"""The columns of each table."""


def plain(source: Path, out: Path, since: float, tally: Tally) -> str:
    """Write every record into one file of JSON Lines, compressed when its name ends in `.gz`; say how many."""
    return f"{_write(out, (orjson.dumps(record) for record in read(source, tally, since=since))):,} records"


def outcome_data(source: Path, out: Path, since: float, tally: Tally, *, agreement: bool) -> str:
    """Write outcome data, and say how much there was of it."""
    facts = gather(read(source, Tally(), since=since, want=lambda line: not _is_outcome(line)))
    left = Left()
    records = read(source, tally, since=since, want=_is_outcome)
    _write(out, (orjson.dumps(row) for row in rows(records, facts, left, agreement=agreement)))
    told = f"{left.rows:,} rows; {left.no_score:,} requests have no score"
    return told + (f", {left.no_content:,} have one but no content (records.content)" if left.no_content else "")


def parquet(source: Path, out: Path, since: float, tally: Tally) -> str:
    """Write one table for each kind of record, `kind=outcome/date=…/*.parquet`, and say how many rows.

    Raises:
        RecordsError: `out` holds something already, or there are no records.
        ModuleNotFoundError: DuckDB is not installed.
    """
    import duckdb

    if out.exists() and any(out.iterdir()):
        raise RecordsError(f"{out}: is not empty; name a new folder")
    gone = superseded(source)
    files = [str(one.path) for one in segments(source) if one.day >= day_of(since) and one.path not in gone]
    if not files:
        raise RecordsError(f"{source}: no records")
    for _ in read(source, tally, since=since, want=lambda line: not line.endswith(b"\n")):
        pass  # counts the torn ones, which DuckDB passes over in silence
    done = []
    with duckdb.connect() as database:
        for kind, columns in KINDS.items():
            table = f"{{{', '.join(f'{name!r}: {type_!r}' for name, type_ in columns.items())}}}"
            (count,) = _one(database, _COUNT.format(columns=table), [files, kind, since])
            if count:
                into = out / f"kind={kind}"
                into.mkdir(parents=True)
                kept = ", ".join(f'"{name}"' for name in columns if name != "kind")
                database.execute(
                    _COPY.format(columns=table, kept=kept, into=str(into).replace("'", "''")), [files, kind, since]
                )
                done.append(f"{count:,} {kind}")
    return ", ".join(done) or "no records"


_READ: Final = (
    "read_json(?, format = 'newline_delimited', columns = {columns}, hive_partitioning = true, ignore_errors = true, "
    "maximum_object_size = 67108864) WHERE kind = ? AND time >= ?"
)
_COUNT: Final = f"SELECT count(*) FROM {_READ}"
_COPY: Final = (
    f"COPY (SELECT {{kept}}, date FROM {_READ} ORDER BY time) TO '{{into}}' "
    "(FORMAT parquet, PARTITION_BY (date), COMPRESSION zstd)"
)


def _one(database: object, query: str, given: list[object]) -> tuple[int]:
    row: tuple[int] = database.execute(query, given).fetchone()  # type: ignore[attr-defined]  # DuckDB has no types
    return row


def _is_outcome(line: bytes) -> bool:
    return b'"kind":"outcome"' in line


def _write(out: Path, lines: Iterable[bytes]) -> int:
    count = 0
    with gzip.open(out, "wb") if out.suffix == ".gz" else out.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    return count
