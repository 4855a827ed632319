"""`smallfirst explain`: what would happen to a request, and why."""

import sys
from dataclasses import fields
from typing import Annotated, Any

import orjson
import typer

from router import assembly, chat
from router.assembly import AssemblyError
from router.cli.telling import Json, PolicyPath, Refused, print_json, read_settings
from router.clock import SYSTEM
from router.consider import Caller, Considered, consider
from router.errors import Problem
from router.explanation import explanation
from router.plan import Plan
from router.policy import PolicyError

__all__ = ["explain"]


def explain(
    policy: PolicyPath,
    prompt: Annotated[str | None, typer.Argument(help="What a user says; or a JSON body on stdin.")] = None,
    model: Annotated[str | None, typer.Option(help="The route, tier or deployment. [default: the first route]")] = None,
    tier: Annotated[str | None, typer.Option(help="As the header x-router-tier.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="As the header x-router-threshold.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what would happen to a request, and why.

    Nobody is asked.
    """
    try:
        _, plan = assembly.read(policy, read_settings().environment, now=SYSTEM.wall())
    except (PolicyError, AssemblyError) as error:
        raise Refused(str(error)) from error
    body = _body(prompt, model or next(iter(plan.routes)), replace=model is not None)
    try:
        request = chat.parse(_written(body))
        considered = consider(plan, request, Caller(tier=tier, threshold=threshold))
    except Problem as problem:
        raise Refused(problem.message) from problem
    moved = considered.route.explain(request, considered.signals) if considered.route.explain else []
    if as_json:
        print_json({**explanation(considered), "because": [{"what": what, "moved": by} for what, by in moved]})
    else:
        sys.stdout.write(_in_words(plan, considered, moved))


def _body(prompt: str | None, model: str, *, replace: bool) -> dict[str, Any]:
    """A request: the prompt alone, or the JSON body that came on stdin."""
    if prompt is not None:
        return {"model": model, "messages": [{"role": "user", "content": prompt}]}
    if sys.stdin.isatty():
        raise Refused('explain: give a prompt, or a JSON body on stdin: smallfirst explain --policy P "prompt"')
    try:
        body = orjson.loads(sys.stdin.buffer.read())
    except orjson.JSONDecodeError as error:
        raise Refused(f"stdin: not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("stdin: a request's body is a JSON object")
    return {**body, "model": model} if replace else {"model": model, **body}


def _written(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # bytes that are no text, or nested deeper than JSON can be written
        raise Refused(f"explain: not a request: {error}") from error


def _plain(value: object) -> object:
    return "+".join(sorted(value)) if isinstance(value, frozenset) else value


def _in_words(plan: Plan, considered: Considered, moved: list[tuple[str, float]]) -> str:
    decision, facts = considered.decision, considered.signals
    chain = " → ".join(f"{s.tier.name} ({', '.join(d.name for d in s.deployments)})" for s in decision.steps)
    lines = [f"route       {considered.route.name}   (policy {plan.version})", f"starts at   {decision.start}"]
    lines[1:1] = [f"handed on   by {route}, rule {rule}" for route, rule in considered.via]
    lines.append(f"because     {decision.reason}")
    if decision.difficulty is not None and decision.threshold is not None:
        sign = "<" if decision.difficulty < decision.threshold else "≥"
        lines.append(
            f"difficulty  {decision.difficulty:.3f} {sign} {decision.threshold:.3f}   (band {decision.band}, of 0 to 9)"
        )
    if decision.novelty is not None:
        scope = considered.route.scope
        limit = "   (no scope)" if scope is None else f" {'>' if decision.novelty > scope else '≤'} {scope:g}"
        lines.append(f"novelty     {decision.novelty:.3f}{limit}")
    lines.append(f"asks        {chain}")
    if considered.bounds.require:
        lines.append(
            "requires    " + ", ".join(f"{name}: {value}" for name, value in considered.bounds.require.items())
        )
    said = {field.name: getattr(facts, field.name) for field in fields(facts)}
    told = (f"{name} {_plain(value)}" for name, value in said.items() if value and value != "latin")
    lines.append("signals     " + ", ".join(told))
    lines += [f"{'moved by' if i == 0 else '':11} {what} ({by:+.2f})" for i, (what, by) in enumerate(moved)]
    return "\n".join(lines) + "\n"
