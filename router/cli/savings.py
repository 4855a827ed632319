"""`smallfirst savings`: what was saved, to the cent, and how each number was made."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from router import assembly
from router.assembly import AssemblyError
from router.cli.records import Since, since_of, told, warn
from router.cli.telling import Json, PolicyPath, Refused, print_json, read_settings
from router.clock import SYSTEM
from router.policy import PolicyError

__all__ = ["RecordsPath", "records_of", "savings"]

RecordsPath = Annotated[
    Path | None, typer.Option("--records", metavar="R", help="The folder of records. [default: the policy's]")
]


def savings(
    policy: PolicyPath,
    records: RecordsPath = None,
    since: Since = None,
    *,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the interval.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Print what was saved, and how each number was made.

    The ledger of recorded traffic: what the last tier alone would have cost, what was spent, and what is left.
    """
    from router.hindsight.savings import savings as account
    from router.hindsight.traffic import Traffic

    folder, plan = records_of(policy, records)
    traffic = Traffic(folder, since_of(since))
    with told():
        found = account(traffic, plan, confidence=confidence)
    warn(traffic.tally)
    if not found["routes"]:
        raise Refused(f"{folder}: no recorded requests of a route with more than one tier")
    if as_json:
        print_json(found)
    else:
        sys.stdout.write(_in_words(found))


def records_of(policy: Path, records: Path | None) -> tuple[Path, Any]:
    """The folder of records, as told or as the policy says, and the plan that the policy comes to."""
    try:
        spec, plan = assembly.read(policy, read_settings().environment, now=SYSTEM.wall())
    except (PolicyError, AssemblyError) as error:
        raise Refused(str(error)) from error
    if records is None and spec.records is None:
        raise Refused(f"{policy}: keeps no records; name a folder with --records")
    return records or spec.path(spec.records.path if spec.records else ""), plan


def _in_words(found: dict[str, Any]) -> str:
    day = "%Y-%m-%d %H:%M"
    since, until = (datetime.fromtimestamp(found[name], UTC).strftime(day) for name in ("from", "to"))
    spent, sure, (low, high) = found["spent_usd"], f"{found['confidence']:.0%}", found["interval_usd"]
    answered = sum(route["answered"] for route in found["routes"].values())
    lines = [
        f"{since} to {until} UTC, {answered:,} answered requests, prices of policy {found['policy']}",
        "",
        _line("the last tier alone would have cost", found["baseline_usd"]),
        *(_line(f"− {_SPENT[kind]}", usd) for kind, usd in spent.items() if usd),
        f"{_line('net saved', found['net_usd'])}   {sure} [{low:,.4f}, {high:,.4f}]",
        "",
    ]
    for name, route in found["routes"].items():
        lines += [f"{name}: {sentence}" for sentence in _made(route)]
    lines += [f"{name}: {host['hours']:,.1f} hours, {host['usd']:,.2f} USD" for name, host in found["hosts"].items()]
    return "\n".join(lines) + "\n"


_SPENT = {
    "served": "answers that were sent",
    "escalation": "answers that were not good enough",
    "explore": "exploration",
    "shadow": "shadows",
    "judge": "judges",
    "idle": "hosts paid by the hour",
}


def _line(what: str, usd: float) -> str:
    return f"{what:38} {usd:14,.4f} USD"


def _made(route: dict[str, Any]) -> list[str]:
    made = route["made"]
    price, cached = made["price"], (made["price"] or {}).get("cached_input")
    lines = [f"{route['answered']:,} of {route['requests']:,} requests are compared"]
    for count, why in (
        (route["unanswered"], "had no answer; what they cost counts"),
        (route["cached"], "came from the cache, which is no saving of routing"),
        (route["unknown"], "have an unknown price or unknown tokens and stand on neither side"),
        (made["unknown_asides"], "shadows or judges have an unknown cost, which is missing here"),
    ):
        lines += [f"{count:,} {why}"] if count else []
    if price is None:
        return [*lines, f"nobody knows the price of '{made['last_tier']}': only what it answered has a baseline"]
    at = (
        f"${price['input']:g} in, "
        + (f"${cached:g} cached, " if cached is not None else "")
        + f"${price['output']:g} out"
    )
    return [
        *lines,
        f"baseline at '{made['last_tier']}', {at} per million tokens",
        f"it counts {made['input_ratio']:.2f} tokens for each we estimate, {made['cached_share']:.0%} from its cache",
        f"its answers are {made['output_ratio']:.2f} times as long as what was sent ({made['output_from']})",
    ]
