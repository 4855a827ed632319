"""`smallfirst thresholds`: what is in force and how it came to be; freeze it, set it, take a change back."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from router import assembly
from router.assembly import AssemblyError
from router.cli.telling import Json, PolicyPath, Refused, print_json, read_settings
from router.clock import SYSTEM
from router.log import say
from router.plan import Plan, Route
from router.policy import Policy, PolicyError
from router.policy.store_url import read_store_url
from router.store import Folder, NotInstalled, StoreDown, open_store
from router.thresholds import Board, BoardError, Change, Thresholds

__all__ = ["thresholds"]

_SHOWN = 5
"""Changes that are shown of each route; --json has them all."""


class Action(StrEnum):
    """What to do."""

    show = "show"
    freeze = "freeze"
    unfreeze = "unfreeze"
    set = "set"
    rollback = "rollback"


def thresholds(
    policy: PolicyPath,
    action: Annotated[Action, typer.Argument(help="What to do; nothing changes without it.")] = Action.show,
    value: Annotated[float | None, typer.Argument(metavar="X", help="The threshold that `set` sets, 0 to 1.")] = None,
    *,
    route: Annotated[str | None, typer.Option(help="Which route; needed to change one of several.")] = None,
    tier: Annotated[str | None, typer.Option(help="Whose threshold `set` sets. [default: the first tier's]")] = None,
    json: Json = False,
) -> None:
    """Show the thresholds in force, or change them everywhere.

    Their history too. A change reaches every server, beside them while they run.
    """
    read, plan = _read(policy)
    chosen = _chosen(plan, route, one=action is not Action.show)
    change = _change(action, value, chosen[0], tier)

    async def work(kept: Thresholds) -> dict[str, Any]:
        for each in chosen:
            if change is not None:
                await kept.edit(each.name, change)
        return {"routes": {each.name: _shown(each, kept) for each in chosen}}

    shown = asyncio.run(_with_store(read, [each.name for each in chosen], work))
    if json:
        print_json(shown)
        return
    for name, found in shown["routes"].items():
        sys.stdout.write(_told(name, found))


def _read(path: PolicyPath) -> tuple[Policy, Plan]:
    try:
        return assembly.read(path, read_settings().environment, now=SYSTEM.wall())
    except (PolicyError, AssemblyError) as error:
        raise Refused(str(error)) from error


def _chosen(plan: Plan, name: str | None, *, one: bool) -> list[Route]:
    known = [each for each in plan.routes.values() if len(each.cascade) > 1]
    if name is not None:
        known = [each for each in known if each.name == name]
        if not known:
            raise Refused(f"--route: this policy has no route '{name}' with a threshold")
    if not known:
        raise Refused("this policy has no route with a threshold")
    if one and len(known) > 1:
        raise Refused(f"--route: which one? there are {', '.join(each.name for each in known)}")
    return known


def _change(action: Action, value: float | None, route: Route, tier: str | None) -> Callable[[Board], Board] | None:
    """Return what to do to a board; None to do nothing."""
    if (action is Action.set) != (value is not None):
        raise Refused("`set` takes a threshold, such as `set 0.35`; nothing else does")
    now, state = SYSTEM.wall(), route.state
    match action:
        case Action.show:
            return None
        case Action.freeze | Action.unfreeze:
            return lambda board: board.freeze(frozen=action is Action.freeze)
        case Action.rollback:
            return lambda board: board.rolled_back(state, now)
        case Action.set:
            rung = next((each for each in route.cascade[:-1] if each.tier.name == (tier or each.tier.name)), None)
            if rung is None:
                raise Refused(f"--tier: route '{route.name}' has no threshold of '{tier}'")
            if value is None or not 0 <= value <= 1:
                raise Refused(f"a threshold is a number from 0 to 1, not {value:g}")
            name, after, declared = rung.tier.name, value, rung.below

            def put(board: Board) -> Board:
                before = board.held(state).thresholds.get(name, declared)
                return board.changed(state, Change(now, name, before, after, "set"))

            return put


async def _with_store(
    policy: Policy, routes: list[str], work: Callable[[Thresholds], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Open what servers share for a moment."""
    state = policy.path(policy.state.path)
    try:
        store = open_store(read_store_url(policy.cache.url), state, say)
    except NotInstalled as error:
        raise Refused(f"cache.url: {error}") from error
    try:
        await store.begin()
        kept = Thresholds(store, Folder(state / "learned"), say)
        await kept.begin(routes)
        return await work(kept)
    except StoreDown as error:
        raise Refused("what servers share (cache.url) cannot be reached, so nothing was changed") from error
    except (BoardError, OSError) as error:
        raise Refused(str(error)) from error
    finally:
        await store.aclose()


def _shown(route: Route, kept: Thresholds) -> dict[str, Any]:
    board = kept.board(route.name)
    held = board.held(route.state)
    return {
        "state": route.state,
        "frozen": board.frozen,
        "steered": "no" if route.steering is None else "apply" if route.steering.applies else "observe",
        "thresholds": {
            rung.tier.name: {"now": held.thresholds.get(rung.tier.name, rung.below), "policy": rung.below}
            for rung in route.cascade[:-1]
        },
        "history": [change.document() for change in held.history],
        "dropped": [change.document() for change in board.dropped(route.state)],
    }


def _told(name: str, found: dict[str, Any]) -> str:
    """Return one route in words."""
    values = ", ".join(
        f"{tier} {each['now']:.4f}" + ("" if each["now"] == each["policy"] else f" (policy {each['policy']:.4f})")
        for tier, each in found["thresholds"].items()
    )
    how = "frozen" if found["frozen"] else {"no": "not steered"}.get(found["steered"], f"control: {found['steered']}")
    lines = [f"{name}: {values}; {how}"]
    for change in found["history"][-_SHOWN:]:
        at = _moment(change["at"])
        lines.append(f"  {at}  {change['tier']}  {Change(**change).words}")
    for change in found["dropped"]:
        at = _moment(change["at"])
        lines.append(
            f"  {change['tier']} was {change['after']:.4f} ({change['cause']}, {at}) before the route itself was "
            "changed; if it is still meant, set it again"
        )
    return "\n".join(lines) + "\n"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
