"""Records as outcome data: requests with what each tier's answer was worth, for `smallfirst train` and its sisters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.records.facts import Fact, scores

__all__ = ["Left", "rows"]


@dataclass(slots=True)
class Left:
    """How many records became rows, and why others did not."""

    rows: int = 0
    no_content: int = 0
    """Their prompts were not kept: `records.content` was `none`."""
    no_score: int = 0
    """Nobody said how good their answers were."""


def rows(
    records: Iterable[Mapping[str, Any]], facts: Mapping[str, Sequence[Fact]], left: Left, *, agreement: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield a row of outcome data for each record that has content and a score.

    Args:
        records: outcomes; other records are passed over.
        facts: what is known about them, by id.
        left: counts what was left out.
        agreement: take agreement with the last tier's answer for quality, where nothing better is known. Then the last
            tier is right by definition, and whatever is lost is counted as a loss: an upper bound.
    """
    for record in records:
        if record["kind"] != "outcome" or record["start"] is None:
            continue
        known = _known(record, facts.get(record["id"], ()), agreement=agreement)
        content = record.get("content")
        if not known:
            left.no_score += 1
        elif not content:
            left.no_content += 1
        else:
            left.rows += 1
            yield _row(record, content, known, _escalated(record, facts.get(record["id"], ())))


def _known(record: Mapping[str, Any], facts: Sequence[Fact], *, agreement: bool) -> dict[str, float]:
    """The score of each tier, as far as anybody knows."""
    last = next(reversed(record["p_good"]), None) if record["p_good"] else None
    known = {tier: fact.score for tier, fact in scores(facts, record["tier"], last).items()}
    if agreement and facts:
        alike = scores(facts, record["tier"], last, "agreement")
        known = {tier: fact.score for tier, fact in alike.items()} | ({last: 1.0} if alike and last else {}) | known
    return known


def _escalated(record: Mapping[str, Any], facts: Sequence[Fact]) -> dict[str, bool]:
    """Whether each tier's answer did not pass its checks: what clients met, else what shadows found."""
    found = {
        fact.tier: not fact.passed
        for fact in facts
        if fact.tier is not None and fact.source in {"shadow", "explore", "judge"}
    }
    for result in ("served", "escalated"):
        found |= {one["tier"]: result == "escalated" for one in record["attempts"] if one["result"] == result}
    return found


def _row(
    record: Mapping[str, Any], content: Mapping[str, Any], known: Mapping[str, float], escalated: Mapping[str, bool]
) -> dict[str, Any]:
    """A row; a tier that was escalated is in it even where nobody scored its answer."""
    asked, metadata = content["request"], content["request"].get("metadata")
    task = metadata.get("task") if isinstance(metadata, dict) else None
    outcomes: dict[str, dict[str, Any]] = {
        tier: ({"score": known[tier]} if tier in known else {})
        | _paid(record, tier)
        | ({"escalated": escalated[tier]} if tier in escalated else {})
        for tier in dict.fromkeys((*known, *escalated))
    }
    if (answer := _text(content)) is not None and record["tier"] in outcomes:
        outcomes[record["tier"]]["answer"] = answer
    return {**asked, "id": record["id"], "task": task or record["route"], "outcomes": outcomes}


def _paid(record: Mapping[str, Any], tier: str) -> dict[str, float]:
    """What a tier's answer cost and how long it took, if it gave one."""
    for attempt in record["attempts"]:
        if attempt["tier"] == tier and attempt["result"] in {"served", "escalated"}:
            paid = {} if attempt["cost"] is None else {"cost_usd": attempt["cost"]}
            return {**paid, "latency_seconds": attempt["waited"]}
    return {}


def _text(content: Mapping[str, Any]) -> str | None:
    answer = content.get("answer")
    return answer[0].get("content") if answer else None
