"""The ledger of recorded traffic: baseline, spent, net, and how each number was made.

Made for people who check it. Whatever is doubtful is decided against the saving (`router.baseline` says how); what
nobody knows the price of is left out on both sides and counted; hosts that are paid by the hour are taken off for the
whole time between the first record and the last, busy or not; answers that were thrown away, shadows, judges and
exploration are costs. Requests that were answered from a cache are no saving of routing: they are counted beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from router.baseline import ENOUGH, price_of
from router.hindsight.ledger import SPENT, Blocks, Ledger, balance
from router.hindsight.traffic import Later, Traffic
from router.plan import Plan, Tier

__all__ = ["Account", "savings"]

_PAID: Final = frozenset({"served", "escalated", "left"})


@dataclass(slots=True)
class Account:
    """One route's traffic."""

    requests: int = 0
    answered: int = 0
    """With a baseline, whose costs are all known: what the ledger is about."""
    unknown: int = 0
    """Answered, but nobody knows a price or the tokens; on neither side."""
    unanswered: int = 0
    """Errors, and clients who left: their cost counts, a baseline they have none."""
    cached: int = 0
    """Answered from a cache: no saving of routing."""
    shadows: int = 0
    """Requests that the last tier was asked beside a cheaper one."""
    unknown_asides: int = 0
    blocks: Blocks = field(default_factory=Blocks)


def savings(traffic: Traffic, plan: Plan, *, confidence: float = 0.95) -> dict[str, Any]:
    """Return the ledger of every route that has a choice, ready for JSON.

    Args:
        traffic: what was recorded.
        plan: the policy whose last tiers and prices are compared with.
        confidence: of the intervals.

    Raises:
        RecordsError: there are no records there.
    """
    later = traffic.later()
    aside = _asides(later)
    accounts: dict[str, Account] = {}
    first, end = float("inf"), float("-inf")
    for record in traffic.outcomes():
        first, end = min(first, record["time"]), max(end, record["time"] + record["seconds"])
        route = plan.routes.get(record["route"] or "")
        if route is None or route.kind != "route" or len(route.cascade) == 1:
            continue
        account = accounts.setdefault(route.name, Account())
        _enter(account, record, route.cascade[-1].tier, aside.get(record["id"], ()))
    hosts = _hosts(later, plan, first, end) if accounts else {}
    ledgers = {
        name: balance(account.blocks.table, price_of(plan.routes[name].cascade[-1].tier), confidence=confidence)
        for name, account in accounts.items()
    }
    return _told(accounts, ledgers, hosts, plan, {"confidence": confidence, "from": first, "to": end})


def _asides(later: Later) -> dict[str, list[Mapping[str, Any]]]:
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for one in later.asides:
        by_id.setdefault(one["id"], []).append(one)
    return by_id


def _enter(account: Account, record: Mapping[str, Any], last: Tier, asides: Sequence[Mapping[str, Any]]) -> None:
    """Book one request, and the calls beside it."""
    account.requests += 1
    account.blocks.begin()
    attempts = record["attempts"]
    served = next((one for one in attempts if one["result"] == "served"), None) if record["end"] == "ok" else None
    for one in asides:
        _book_aside(account, one, last, served)
    if record.get("cache") in {"hit", "joined"}:
        account.cached += 1
        return
    judged = record.get("judged", 0.0)
    paid = [attempt for attempt in attempts if attempt["result"] in _PAID]
    unknown = judged is None or any(attempt["cost"] is None for attempt in paid)
    if unknown or (served and not _comparable(served, record, last)):
        account.unknown += 1
        return
    account.blocks.add(judge=judged)
    for attempt in paid:
        account.blocks.add(**{_kind(attempt, record): attempt["cost"]})
    if served is None:
        account.unanswered += 1
    else:
        account.answered += 1
        account.blocks.add(**_baseline(served, record["signals"]["tokens"], last))


def _comparable(served: Mapping[str, Any], record: Mapping[str, Any], last: Tier) -> bool:
    """Whether it can be said what the last tier would have taken."""
    known = served["usage"] is not None and record["signals"] is not None
    return known and (served["tier"] == last.name or price_of(last) is not None)


def _kind(attempt: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """What an attempt's money was spent on."""
    if attempt["result"] != "escalated":
        return "served"
    return "explore" if record["reason"] == "explore" and attempt["tier"] == record["start"] else "escalation"


def _baseline(served: Mapping[str, Any], tokens: int, last: Tier) -> dict[str, float]:
    """What a request adds to the baseline: its cost where the last tier answered, else what that is estimated from."""
    usage = served["usage"]
    if served["tier"] != last.name:
        return {"tokens": tokens, "output": usage["output"]}
    known = {"exact": served["cost"], "calls": 1, "seen_tokens": tokens, "seen_input": usage["input"]}
    if not usage["cached_input"]:
        return known
    return {**known, "warm_input": usage["input"], "warm_cached": min(usage["cached_input"], usage["input"])}


def _book_aside(account: Account, one: Mapping[str, Any], last: Tier, served: Mapping[str, Any] | None) -> None:
    """Book a shadow or its judge, and how long the last tier's answer was beside a cheaper one's."""
    if one["cost"] is not None:
        account.blocks.add(shadow=one["cost"])
    elif one["usage"] is not None:
        account.unknown_asides += 1
    beside = served["usage"] if served and served["tier"] != last.name else None
    if one["purpose"] == "shadow" and one["tier"] == last.name and one["usage"] and beside:
        account.shadows += 1
        account.blocks.add(pairs=1, shadow_output=one["usage"]["output"], beside_output=beside["output"])


def _hosts(later: Later, plan: Plan, first: float, end: float) -> dict[str, dict[str, float]]:
    """Hours and dollars of each host that is paid by the hour, from the first record to the last.

    Between two records of a policy the earlier is in force; without any, the one that is asked with.
    """
    now = {name: d.price.per_hour for name, d in plan.deployments.items() if d.price and d.price.per_hour}
    said = [(max(first, one["time"]), one["per_hour"]) for one in later.plans] or [(first, now)]
    said[0] = (first, said[0][1])
    hosts: dict[str, dict[str, float]] = {}
    for (since, hourly), until in zip(said, [*(time for time, _ in said[1:]), end], strict=True):
        for name, usd in hourly.items():
            host = hosts.setdefault(name, {"hours": 0.0, "usd": 0.0})
            hours = max(0.0, min(until, end) - since) / 3600
            host["hours"] += hours
            host["usd"] += hours * usd
    return hosts


def _told(
    accounts: Mapping[str, Account],
    ledgers: Mapping[str, Ledger],
    hosts: Mapping[str, Mapping[str, float]],
    plan: Plan,
    facts: Mapping[str, float],
) -> dict[str, Any]:
    idle = sum(host["usd"] for host in hosts.values())
    last = {name: plan.routes[name].cascade[-1].tier for name in ledgers}
    routes = {name: _route(accounts[name], ledger, last[name]) for name, ledger in ledgers.items()}
    net = sum(ledger.net for ledger in ledgers.values()) - idle
    below = sum((ledger.net - ledger.low) ** 2 for ledger in ledgers.values()) ** 0.5
    above = sum((ledger.high - ledger.net) ** 2 for ledger in ledgers.values()) ** 0.5
    return {
        **facts,
        "policy": plan.version,
        "baseline_usd": sum(ledger.baseline for ledger in ledgers.values()),
        "spent_usd": {kind: sum(one.spent[kind] for one in ledgers.values()) for kind in SPENT} | {"idle": idle},
        "net_usd": net,
        "interval_usd": [net - below, net + above],
        "hosts": dict(hosts),
        "routes": routes,
    }


def _route(account: Account, ledger: Ledger, last: Tier) -> dict[str, Any]:
    price = price_of(last)
    from_shadows = account.shadows >= ENOUGH
    return {
        "requests": account.requests,
        "answered": account.answered,
        "unknown": account.unknown,
        "unanswered": account.unanswered,
        "cached": account.cached,
        "baseline_usd": ledger.baseline,
        "spent_usd": ledger.spent,
        "net_usd": ledger.net,
        "interval_usd": [ledger.low, ledger.high],
        "made": {
            "last_tier": last.name,
            "price": asdict(price) if price else None,
            "input_ratio": ledger.input_ratio,
            "cached_share": ledger.cached_share,
            "output_ratio": ledger.output_ratio,
            "output_from": "shadows" if from_shadows else "the served answer's own length",
            "shadows": account.shadows,
            "unknown_asides": account.unknown_asides,
        },
    }
