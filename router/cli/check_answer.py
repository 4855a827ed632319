"""`smallfirst check-answer`: what would a tier's checks say of these answers?"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from router import assembly, chat
from router.assembly import AssemblyError
from router.chat import ChatRequest, Completion, Malformed
from router.cli.telling import Json, PolicyPath, Refused, print_json
from router.clock import SYSTEM
from router.errors import Problem
from router.plan import Tier
from router.policy import PolicyError
from router.settings import Settings
from router.verify import judge

__all__ = ["check_answer"]


def check_answer(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help='JSON Lines: {"request": {…}, "answer": …}; - is stdin.')
    ],
    policy: PolicyPath,
    tier: Annotated[str, typer.Option("--tier", metavar="T", help="The tier whose checks are asked.")],
    *,
    as_json: Json = False,
) -> None:
    """Judge answers as a tier would.

    Exit code 1 when one would not be sent.

    An answer is a chat completion, a message of one, or a text.
    """
    checks = _tier(policy, tier).checks
    reports = []
    for line, request, answer in _cases(file):
        verdict = judge(answer, request, checks)
        faults = [
            {"check": check.name, "choice": i, "reason": reason}
            for check in checks
            for i, choice in enumerate(answer.choices)
            if (reason := check.fault(choice, request)) is not None
        ]
        reports.append({"line": line, "accepted": verdict.accepted, "reason": verdict.reason, "faults": faults})
    held = all(report["accepted"] for report in reports)
    if as_json:
        print_json({"ok": held, "tier": tier, "checks": [check.name for check in checks], "answers": reports})
    else:
        for report in reports:
            _tell(report)
    if not held:
        raise typer.Exit(1)


def _tier(path: Path, name: str) -> Tier:
    try:
        _, plan = assembly.read(path, Settings.read().environment, now=SYSTEM.wall())
    except (PolicyError, AssemblyError) as error:
        raise Refused(str(error)) from error
    if name not in plan.tiers:
        raise Refused(f"no tier named '{name}'; this policy has {', '.join(plan.tiers)}")
    return plan.tiers[name]


def _cases(file: Path) -> Iterator[tuple[int, ChatRequest, Completion]]:
    """Every request with its answer, and the line they stand in."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            case = orjson.loads(line)
            yield number, _request(case["request"]), _answer(case["answer"])
        except Problem as problem:
            raise Refused(f"{file}:{number} request: {problem.message}") from problem
        except (orjson.JSONDecodeError, Malformed, KeyError, TypeError) as error:
            told = 'each line is {"request": {…}, "answer": a completion, a message or a text}'
            raise Refused(f"{file}:{number}: {told}") from error


def _request(body: Mapping[str, Any]) -> ChatRequest:
    return chat.parse(orjson.dumps({"model": "", **body}))


def _answer(answer: Mapping[str, Any] | str) -> Completion:
    """A completion, from one, or from a message, or from a text alone."""
    if isinstance(answer, str):
        answer = {"content": answer}
    if "choices" not in answer:
        finish = "tool_calls" if answer.get("tool_calls") else "stop"
        answer = {"choices": [{"message": answer, "finish_reason": finish}]}
    return chat.completion(orjson.dumps(answer))


def _tell(report: Mapping[str, Any]) -> None:
    told = [f"{fault['check']}: {fault['reason']}" for fault in report["faults"]]
    sys.stdout.write(f"{report['line']}: {report['reason']}" + (f"   ({', '.join(told)})" if told else "") + "\n")
