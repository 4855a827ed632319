"""`smallfirst check`: is this policy one, and is it what you mean?"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from router import assembly
from router.assembly import AssemblyError
from router.cautions import cautions
from router.cli.telling import Json, Refused, print_json, read_settings
from router.clock import SYSTEM
from router.plan import Plan
from router.policy import Note, Policy, PolicyError, json_schema, lint
from router.store import Folder, key
from router.thresholds import Board, BoardError
from router.upstream.connect import prepare

__all__ = ["check"]


def check(
    policies: Annotated[list[Path] | None, typer.Argument(metavar="P…", help="Policies: files or folders.")] = None,
    *,
    as_json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail the check too; notes never do.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of policies, for editors.")] = False,
) -> None:
    """Validate policies, and point at what is probably not meant.

    Exit code 1 when one does not hold.
    """
    if schema:
        print_json(json_schema())
        return
    if not policies:
        raise Refused("check: name a policy, a file or a folder")
    environment = read_settings().environment
    reports = [_report(path, environment) for path in policies]
    held = not any(report["faults"] or (strict and report["warnings"]) for report in reports)
    if as_json:
        print_json({"ok": held, "policies": reports})
    else:
        for report in reports:
            _tell(report)
    if not held:
        raise typer.Exit(1)


def _report(path: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """What there is to say about one policy."""
    if not path.exists():
        raise Refused(f"{path}: no such file or folder")
    report: dict[str, object] = {"policy": str(path), "version": None, "faults": [], "warnings": [], "notes": []}
    try:
        policy, plan = assembly.read(path, environment, now=(now := SYSTEM.wall()))
        prepare(policy)
    except PolicyError as error:
        return report | {"faults": [str(fault) for fault in error.faults]}
    except AssemblyError as error:
        return report | {"faults": [str(error)]}
    priced = {deployment.model for deployment in plan.deployments.values() if deployment.price is not None}
    found = [*lint(policy, priced=priced), *cautions(policy, plan, now=now)]
    notes = [*(str(one) for one in found if isinstance(one, Note)), *_dropped(policy, plan)]
    return report | {
        "version": plan.version,
        "warnings": [str(one) for one in found if not isinstance(one, Note)],
        "notes": notes,
    }


def _dropped(policy: Policy, plan: Plan) -> list[str]:
    """Thresholds that operators set on a server with this folder, and that are not in force with this policy."""
    learned, told = Folder(policy.path(policy.state.path) / "learned"), []
    for route in plan.routes.values():
        try:
            board = Board.read(learned.read(key("threshold", route.name)))
        except (BoardError, OSError):
            continue
        told += [
            f"routes.{route.name}: the threshold of '{change.tier}' that was set by hand to {change.after:.4f} is not "
            f"in force with this policy, for the route was changed; if it is still meant: `smallfirst thresholds "
            f"--route {route.name} set {change.after:g}`"
            for change in board.dropped(route.state)
            if change.cause == "set"
        ]
    return told


def _tell(report: dict[str, object]) -> None:
    for kind, prefix in (("faults", ""), ("warnings", "warning: "), ("notes", "note: ")):
        said = report[kind]
        for one in said if isinstance(said, list) else ():
            sys.stdout.write(f"{prefix}{one}\n")
    if not report["faults"]:
        sys.stdout.write(f"{report['policy']}: ok, version {report['version']}\n")
