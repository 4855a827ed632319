"""`smallfirst records`: what was kept of requests, and what may be made of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from router.cli.telling import Json, Refused, print_json
from router.clock import SYSTEM
from router.policy import PolicyError, load
from router.policy.values import read_duration
from router.records import RecordsError, Tally, read, segments
from router.settings import Settings

__all__ = ["Since", "app", "since_of", "told", "warn"]

app = typer.Typer(help="What was kept of requests: list it, show it, hand it on.", no_args_is_help=True)

Records = Annotated[Path | None, typer.Option("--records", metavar="R", help="The folder of records, or one file.")]
PolicyOption = Annotated[Path | None, typer.Option("--policy", metavar="P", help="Or the policy that names it.")]
Measure = Literal["quality", "agreement"]
Since = Annotated[str | None, typer.Option(metavar="7d", help="Only records of the last 7d, 12h, 30m …")]


@app.command("ls")
def ls(records: Records = None, policy: PolicyOption = None, *, as_json: Json = False) -> None:
    """List the days with their files, lines and bytes."""
    folder = opened(records, policy)
    days: dict[str, dict[str, Any]] = {}
    with told():
        for segment in segments(folder):
            day = days.setdefault(segment.day.isoformat(), {"files": 0, "bytes": 0, "lines": 0, "torn": 0, "bad": 0})
            tally = Tally()
            for record in read(segment.path, tally):
                day[record["kind"]] = day.get(record["kind"], 0) + 1
            day["files"] += 1
            day["bytes"] += segment.size
            day["lines"] += tally.lines
            day["torn"] += tally.torn
            day["bad"] += tally.bad
    if as_json:
        print_json({"records": str(folder), "days": days})
        return
    for name, day in days.items():
        facts = ", ".join(f"{count:,} {what}" for what, count in day.items() if what != "bytes" and count)
        sys.stdout.write(f"{name}   {day['bytes'] / 1e6:8.1f} MB   {facts}\n")


@app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="A request's id, as x-request-id told it.")],
    records: Records = None,
    policy: PolicyOption = None,
) -> None:
    """Print everything that is known about one request.

    One JSON line each. Exit code 1 when nothing is known.
    """
    wanted = identity.encode()
    with told():
        found = [
            record
            for record in read(opened(records, policy), Tally(), want=lambda line: wanted in line)
            if record.get("id") == identity
        ]
    for record in sorted(found, key=lambda record: (record["kind"] != "outcome", record["time"])):
        sys.stdout.buffer.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    if not found:
        sys.stderr.write(f"smallfirst: no record of {identity}\n")
        raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="F", help="The file to write; a folder with --parquet.")],
    records: Records = None,
    policy: PolicyOption = None,
    since: Since = None,
    *,
    parquet: Annotated[bool, typer.Option("--parquet", help="Tables for Spark, Trino, DuckDB, Ray.")] = False,
    outcomes: Annotated[
        Measure | None,
        typer.Option(help="Outcome data for `smallfirst train`; `agreement` also where only that is known."),
    ] = None,
) -> None:
    """Hand records on, as JSON Lines, Parquet or outcome data."""
    from router.records import exporting

    folder, after = opened(records, policy), since_of(since)
    tally = Tally()
    with told():
        if parquet:
            done = exporting.parquet(folder, out, after, tally)
        elif outcomes:
            done = exporting.outcome_data(folder, out, after, tally, agreement=outcomes == "agreement")
        else:
            done = exporting.plain(folder, out, after, tally)
    sys.stdout.write(f"{out}: {done}\n")
    warn(tally)


@app.command()
def compact(
    records: Records = None,
    policy: PolicyOption = None,
    *,
    today: Annotated[bool, typer.Option("--today", help="Today's closed files too.")] = False,
) -> None:
    """Make one compressed file of each day's many.

    Today, and what is being written, is left alone.
    """
    from datetime import timedelta

    from router.records.compacting import compact as make_smaller

    before = datetime.fromtimestamp(SYSTEM.wall(), UTC).date() + timedelta(days=int(today))
    with told():
        done = make_smaller(opened(records, policy), before=before, token=SYSTEM.token(4))
    for day, files, size, now in done:
        sys.stdout.write(f"{day}   {files} files, {size / 1e6:.1f} MB → {now / 1e6:.1f} MB\n")


@app.command()
def grade(
    file: Annotated[Path, typer.Option(metavar="F", help='JSON Lines: {"id", "score", "source"?, "reference"?, …}.')],
    records: Records = None,
    policy: PolicyOption = None,
) -> None:
    """Write grades that were made elsewhere beside the records.

    Exit code 1 when some are of no request.
    """
    from router.records.grading import grades, write

    folder = opened(records, policy)
    with told():
        found, unknown = grades(file, folder)
        write(found, folder, SYSTEM)
    sys.stdout.write(f"{len(found)} grades\n")
    if unknown:
        sys.stderr.write(f"smallfirst: no record of {len(unknown)} requests, the first: {unknown[0]}\n")
        raise typer.Exit(1)


@app.command("agreement")
def agreement_(
    records: Records = None, policy: PolicyOption = None, since: Since = None, *, as_json: Json = False
) -> None:
    """Say how far judges agree with people.

    Where both have spoken of the same answer.
    """
    from router.records.agreement import agreement as compare
    from router.records.facts import gather

    folder, after = opened(records, policy), since_of(since)
    with told():
        facts = gather(read(folder, Tally(), since=after, want=lambda line: b'"kind":"outcome"' not in line))
        found = compare(read(folder, Tally(), since=after, want=lambda line: b'"kind":"outcome"' in line), facts)
    if as_json:
        print_json({route: one.shown() for route, one in found.items()})
        return
    for route, one in found.items():
        told_ = f"{one.agreed:.1%} [{one.low:.1%}, {one.high:.1%}]" if one.agreed is not None else "unknown"
        kappa = "" if one.kappa is None else f", kappa {one.kappa:.2f}"
        sys.stdout.write(f"{route}: {told_}{kappa} (n = {one.n}; the judge was kinder in {one.judge_kinder})\n")


def opened(records: Path | None, policy: Path | None) -> Path:
    """Where the records are: as told, or as the policy says."""
    if (records is None) == (policy is None):
        raise Refused("name the records with --records, or the policy that does with --policy")
    if records is not None:
        return records
    assert policy is not None  # noqa: S101  one of the two is there
    try:
        spec = load(policy, Settings.read().environment)
    except PolicyError as error:
        raise Refused(str(error)) from error
    if spec.records is None:
        raise Refused(f"{policy}: keeps no records; write records: {{}} into it, or name a folder with --records")
    return spec.path(spec.records.path)


def since_of(text: str | None) -> float:
    """The moment from which records count, in seconds since 1970."""
    if text is None:
        return 0.0
    try:
        return SYSTEM.wall() - read_duration(text)
    except ValueError as error:
        raise Refused(f"--since takes a duration such as 7d, 12h or 30m, not '{text}'") from error


def warn(tally: Tally) -> None:
    """Say what could not be read."""
    if tally.torn or tally.bad:
        where = ", ".join(tally.places)
        sys.stderr.write(f"smallfirst: {tally.torn} torn and {tally.bad} bad lines were left out: {where}\n")


@contextmanager
def told() -> Iterator[None]:
    """Turn what may be wrong with records, or with the installation, into one clear line."""
    try:
        yield
    except (RecordsError, OSError) as error:
        raise Refused(" ".join(str(error).split())) from error
    except ModuleNotFoundError as error:
        extra = "train" if error.name == "matplotlib" else "records"
        raise Refused(f"this needs {error.name}: pip install 'smallfirst[{extra}]'") from error
