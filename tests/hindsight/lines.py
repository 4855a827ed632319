"""Records of traffic that never was."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from router.hindsight.traffic import Traffic
from router.records.segments import name_of
from tests.records.made import NOON

__all__ = ["answered", "aside", "embedded", "recorded"]


def answered(
    number: int, tier: str = "tuned", cost: float | None = 0.001, *, tokens: int = 100, **changes: Any
) -> dict[str, Any]:
    """One request that a tier answered where it started."""
    usage = {"input": changes.pop("input", tokens), "output": changes.pop("output", 50), "reasoning": 0}
    usage["cached_input"] = changes.pop("cached_input", 0)
    attempt = {"tier": tier, "deployment": {"tuned": "small"}.get(tier, "big"), "result": "served", "verdict": "ok"}
    return {
        "kind": "outcome",
        "time": NOON + number,
        "id": f"r{number}",
        "route": "auto",
        "named": "route",
        "start": tier,
        "tier": tier,
        "reason": "easy" if tier == "tuned" else "hard",
        "band": 2,
        "state": "s",
        "difficulty": 0.2,
        "threshold": 0.3,
        "propensity": 1.0,
        "seconds": 1.0,
        "first": 0.5,
        "novelty": None,
        "difficulties": {"tuned": 0.2, "frontier": 0.0},
        "p_good": {"tuned": 0.8, "frontier": 1.0},
        "signals": {"tokens": tokens},
        "status": 200,
        "end": "ok",
        "cost": cost,
        "cache": "miss",
        "attempts": [{**attempt, "usage": usage, "cost": cost, "waited": 1.0}],
        "baseline": None,
        "tenant": None,
        "policy": "p",
        **changes,
    }


def embedded(number: int, **changes: Any) -> dict[str, Any]:
    """One request for embeddings, as if it had been this route's."""
    record = {**answered(number, cost=5.0), "id": f"e{number}", "kind": "embeddings"}
    del record["signals"], record["start"], record["band"]
    return {**record, **changes}


def aside(number: int, purpose: str = "shadow", tier: str = "frontier", **changes: Any) -> dict[str, Any]:
    """What somebody was asked beside it."""
    usage = {"input": 100, "output": changes.pop("output", 50), "cached_input": 0, "reasoning": 0}
    told = {"kind": "aside", "time": NOON + number, "id": f"r{number}", "route": "auto", "purpose": purpose}
    return {**told, "tier": tier, "usage": usage, "cost": 0.002, "result": "answered", **changes}


def recorded(folder: Path, records: Iterable[Mapping[str, Any]]) -> Traffic:
    """Write records into a folder."""
    path = folder / name_of(NOON, "0a", 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return Traffic(folder)
