"""`smallfirst limits`: what every key has used of its limits by now; and let one begin anew."""

import asyncio
import math
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from router.cli.telling import Json, PolicyPath, Refused, print_json, read_settings
from router.clock import SYSTEM
from router.keys import Keyring, KeysError
from router.limits import Account, account_key
from router.log import say
from router.policy import Policy, PolicyError, load
from router.policy.limits import Allowance, allowance
from router.policy.store_url import read_store_url
from router.store import Folder, NotInstalled, Store, StoreDown, open_store

__all__ = ["limits"]


class Action(StrEnum):
    """What to do."""

    show = "show"
    reset = "reset"


def limits(
    policy: PolicyPath,
    action: Annotated[Action, typer.Argument(help="What to do; nothing changes without it.")] = Action.show,
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="The name of the key that begins anew.")] = None,
    *,
    json: Json = False,
) -> None:
    """Show what keys have used, or let one begin anew.

    Keys that share a limit share what is used. Requests that are being answered keep their places.
    """
    if (action is Action.reset) != (key is not None):
        raise Refused("`reset` takes the name of a key, such as `reset support-desk`; nothing else does")
    read = _read(policy)
    accounts = _accounts(read)
    if key is not None:
        accounts = [one for one in accounts if key in {one.tenant, one.name if one.tenant is None else None}]
        if not accounts:
            raise Refused(f"the policy limits no key named '{key}'")
    shown = asyncio.run(_with_store(read, accounts, reset=key is not None))
    if json:
        print_json({"accounts": shown})
        return
    for one in shown:
        sys.stdout.write(_told(one))


def _read(path: PolicyPath) -> Policy:
    try:
        return load(path, read_settings().environment)
    except PolicyError as error:
        raise Refused(str(error)) from error


def _accounts(policy: Policy) -> list[Allowance]:
    """What each key may do, by name; of all together where nobody has a key."""
    if policy.auth is None:
        found = [allowance(policy.limits, None, {})]
    else:
        try:
            keys = Keyring.read(policy.path(policy.auth.keys)).under(policy.limits).keys.values()
        except KeysError as error:
            raise Refused(str(error)) from error
        found = [key.allowance for key in sorted(keys, key=lambda key: key.name)]
    if not any(found):
        raise Refused("the policy limits nobody; `limits` in it would")
    return [one for one in found if one is not None]


async def _with_store(policy: Policy, accounts: Iterable[Allowance], *, reset: bool) -> list[dict[str, Any]]:
    """Open what servers share for a moment."""
    state = policy.path(policy.state.path)
    try:
        store = open_store(read_store_url(policy.cache.url), state, say)
    except NotInstalled as error:
        raise Refused(f"cache.url: {error}") from error
    try:
        await store.begin()
        return [await _one(store, Folder(state / "learned"), one, reset=reset) for one in accounts]
    except StoreDown as error:
        raise Refused("what servers share (cache.url) cannot be reached") from error
    except OSError as error:
        raise Refused(str(error)) from error
    finally:
        await store.aclose()


async def _one(store: Store, folder: Folder, allowed: Allowance, *, reset: bool) -> dict[str, Any]:
    """What was used of one account."""
    name, now = account_key(allowed), SYSTEM.wall()
    if reset:
        await store.delete(name) if store.shared else folder.remove(name)
    account = Account.read(await store.get(name) if store.shared else folder.read(name), now)
    account.advance(max(now, account.at), allowed)
    used = {
        "requests_per_minute": (account.requests, allowed.requests),
        "tokens_per_minute": (account.tokens, allowed.tokens),
        "parallel": (account.held, allowed.parallel),
        "usd_per_day": (account.usd_day, allowed.usd_per_day),
        "usd_per_month": (account.usd_month, allowed.usd_per_month),
    }
    return {
        "key": allowed.tenant,
        "limit": allowed.name,
        "shared": allowed.account[0] == "limit",
        "used": {
            kind: {"used": round(value, 9), "limit": most} for kind, (value, most) in used.items() if most is not None
        },
    }


def _told(one: dict[str, Any]) -> str:
    """One account in words."""
    words = {
        "requests_per_minute": "requests per minute",
        "tokens_per_minute": "tokens per minute",
        "parallel": "at the same time",
        "usd_per_day": "USD today",
        "usd_per_month": "USD this month",
    }
    used = ", ".join(
        f"{_used(kind, it['used'])} of {_number(it['limit'])} {words[kind]}" for kind, it in one["used"].items()
    )
    whose = one["key"] or "everybody"
    return f"{whose} ({one['limit']}{', shared' if one['shared'] else ''}): {used}\n"


def _used(kind: str, value: float) -> str:
    """What drains away bit by bit is told in whole requests and tokens, money to the cent or to three digits."""
    if not kind.startswith("usd"):
        return f"{math.ceil(value - 1e-6):,}"
    digits = 2 if value >= 1 or value <= 0 else max(2, 2 - math.floor(math.log10(value)))
    return _number(round(value, digits))


def _number(value: float) -> str:
    return f"{value:,.9f}".rstrip("0").rstrip(".")
