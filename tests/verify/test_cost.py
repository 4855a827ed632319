"""What checks cost, in CPU time: printed with `pytest -s`, held to the budgets with a margin for slow machines."""

import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from router.chat import ChatRequest, Choice, Completion
from router.policy.checks import Check as Spec
from router.policy.checks import read_check
from router.verify import Check, Watching, compiled, judge
from tests.verify.answers import asked, call, said

WHOLE, CHUNK = 50.0, 5.0
"""Microseconds for a KB of a whole answer, and for a chunk of a streamed one."""
MARGIN = 4
PROSE = " ".join(f"Sentence {n} says something about the number {n * 7919 % 1009} [1]." for n in range(90))
SCHEMA = {
    "type": "object",
    "properties": {
        "queue": {"enum": ["billing", "shipping", "other"]},
        "summary": {"type": "string"},
        "customer": {"anyOf": [{"$ref": "#/$defs/customer"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["queue", "summary", "customer", "lines"],
    "additionalProperties": False,
    "$defs": {
        "customer": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        "line": {
            "type": "object",
            "properties": {"sku": {"type": "string"}, "n": {"type": "integer"}, "price": {"type": "number"}},
            "required": ["sku", "n", "price"],
            "additionalProperties": False,
        },
    },
}
JSON = orjson.dumps(
    {
        "queue": "billing",
        "summary": "The customer was charged twice for an order and asks for a refund.",
        "customer": {"name": "Ada"},
        "lines": [{"sku": f"SKU-{n}", "n": n, "price": n * 1.5} for n in range(100)],
    }
).decode()
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": SCHEMA}}]
CASES: dict[str, tuple[list[object], ChatRequest, Choice]] = {
    "complete": (["complete"], asked(), Choice("stop", PROSE)),
    "length": ([{"length": {"max": 9000, "unit": "words"}}], asked(), Choice("stop", PROSE)),
    "must_contain": (
        [{"must_contain": {"texts": ["Sentence 80"], "ignore_case": True}}],
        asked(),
        Choice("stop", PROSE),
    ),
    "must_not_contain": ([{"must_not_contain": {"texts": ["never", "nowhere"]}}], asked(), Choice("stop", PROSE)),
    "logprob": ([{"logprob": {"mean": -1, "share": 0.1}}], asked(), Choice("stop", PROSE, logprobs=(-0.1,) * 1250)),
    "refusal": (["refusal"], asked(), Choice("stop", PROSE)),
    "json_object": (["json_object"], asked(response_format=FORMAT), Choice("stop", JSON)),
    "tool_calls": (["tool_calls"], asked(tools=TOOLS), Choice("tool_calls", "", "", (call(JSON),))),
    "json_schema": (["json_schema"], asked(response_format=FORMAT), Choice("stop", JSON)),
    "citations": (["citations"], asked("[1] A page."), Choice("stop", PROSE)),
    "regex": ([{"regex": {"pattern": "number [0-9]+ \\[2\\]|Sentence 89"}}], asked(), Choice("stop", PROSE)),
    "repetition": (["repetition"], asked(), Choice("stop", PROSE)),
    "prose, all that apply": (
        ["complete", "refusal", "repetition", "citations", {"length": {"max": 9000}}],
        asked("[1] A page."),
        Choice("stop", PROSE),
    ),
    "the design's example": (
        ["complete", "refusal", "json_schema", "tool_calls"],
        asked(response_format=FORMAT),
        Choice("stop", JSON),
    ),
}


def micros(work: Callable[[], object], times: int) -> float:
    """CPU microseconds of one run, the best of a few, without whoever counts lines meanwhile."""
    best = float("inf")
    counting = sys.gettrace()
    sys.settrace(None)
    try:
        for _ in range(5):
            before = time.process_time()
            for _ in range(times):
                work()
            best = min(best, (time.process_time() - before) / times)
    finally:
        sys.settrace(counting)
    return best * 1e6


def checks(items: list[object]) -> tuple[Check, ...]:
    return compiled(Spec.model_validate(read_check(item)) for item in items)


@pytest.mark.parametrize("name", CASES)
def test_a_whole_answer(name: str) -> None:
    items, request, choice = CASES[name]
    made, answer = checks(items), said(choice)
    size = len(choice.content) + sum(len(one["function"]["arguments"]) for one in choice.tool_calls)
    assert judge(answer, request, made).accepted

    cost = micros(lambda: judge(answer, request, made), 40) * 1024 / size

    print(f"\n{name:24} {cost:6.2f} µs/KB of a whole answer of {size / 1024:.1f} KB", end="")  # noqa: T201
    assert cost < WHOLE * MARGIN


@pytest.mark.parametrize("name", CASES)
def test_a_streamed_chunk(name: str) -> None:
    items, request, choice = CASES[name]
    made = checks(items)
    chunks = list(streamed(choice))
    if Watching.of(made, request) is None:
        return

    def follow() -> list[str | None]:
        watching = Watching.of(made, request)
        return [watching.add(chunk) for chunk in chunks] if watching else []

    assert set(follow()) == {None}
    cost = micros(follow, 3) / len(chunks)

    print(f"\n{name:24} {cost:6.2f} µs a chunk of 4 characters", end="")  # noqa: T201
    assert cost < CHUNK * MARGIN


def streamed(choice: Choice) -> list[dict[str, Any]]:
    text = choice.content or choice.tool_calls[0]["function"]["arguments"]
    pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
    if choice.content:
        return [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    deltas = [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
    deltas[0]["function"] = {"name": "find", "arguments": pieces[0]}
    return [{"choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]} for delta in deltas]


def test_a_broken_answer_costs_more_but_only_so_far() -> None:
    """In its first 16 KB what is wrong is looked for again, so that it has the name that a stream would give it."""
    made = checks(["json_schema"])
    answer: Completion = said(Choice("stop", JSON[:-1] + " " * 60_000))

    cost = micros(lambda: judge(answer, asked(response_format=FORMAT), made), 20) * 1024 / 64_000

    print(f"\n{'broken JSON':24} {cost:6.2f} µs/KB", end="")  # noqa: T201
    assert cost < WHOLE * MARGIN
