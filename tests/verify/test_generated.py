"""Two thousand answers, good and bad ones of every kind, whole and streamed in random pieces: nothing bad passes.

Each case is a request, an answer, and whether it is good; what is bad about it is known because it was done on purpose.
A streamed answer goes through the real `Stream`, cut into chunks, bytes and network reads at random places.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from router.chat import ChatRequest, Completion, completion, parse
from router.plan import ALL
from router.policy.checks import Check as Spec
from router.policy.checks import read_check
from router.upstream.client import Given
from router.upstream.failure import Failure
from router.upstream.stream import Stream
from router.verify import Check, Verdict, Watching, compiled, judge
from tests.verify.test_phrases import ANSWERS, REFUSALS

SEED = 20261122
CASES = 2_000
WORDS = [
    "the",
    "order",
    "was",
    "sent",
    "on",
    "monday",
    "and",
    "will",
    "arrive",
    "at",
    "your",
    "door",
    "before",
    "friday",
    "evening",
    "in",
    "good",
    "shape",
]
Dice = random.Random
Good = bool
"""Whether an answer is to be good; in the signature of everything that makes one."""


@dataclass(frozen=True)
class Case:
    kind: str
    request: ChatRequest
    message: dict[str, Any]
    checks: tuple[Check, ...]
    good: bool
    finish: str = "stop"
    logprobs: tuple[float, ...] = ()

    @property
    def whole(self) -> Completion:
        choice: dict[str, Any] = {"index": 0, "message": self.message, "finish_reason": self.finish}
        if self.logprobs:
            choice["logprobs"] = {"content": [{"token": "x", "logprob": one} for one in self.logprobs]}
        return completion(orjson.dumps({"choices": [choice]}))


def checks(*items: object) -> tuple[Check, ...]:
    return compiled(Spec.model_validate(read_check(item)) for item in items)


def asked(text: str = "Where is my order?", **more: Any) -> ChatRequest:
    return parse(orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": text}], **more}))


def prose(dice: Dice, words: int = 40) -> str:
    """Text without loops: no two sentences are the same."""
    said = [dice.choice(WORDS) + (f" {dice.randrange(10_000)}," if dice.random() < 0.3 else "") for _ in range(words)]
    return " ".join(said).capitalize() + "."


# ------------------------------------------------------------------------------------------------------------- schemas

LEAVES: tuple[tuple[dict[str, Any], Callable[[Dice], Any], Callable[[Dice], Any]], ...] = (
    ({"type": "string"}, lambda dice: prose(dice, 5), lambda dice: dice.choice([1, None, True, [], {}])),
    ({"type": "integer"}, lambda dice: dice.choice([0, -3, 12, 7.0]), lambda dice: dice.choice([1.5, "1", None])),
    ({"type": "number", "minimum": 0}, lambda dice: dice.random() * 9, lambda dice: dice.choice([-1, "x", False])),
    ({"type": "boolean"}, lambda dice: dice.random() < 0.5, lambda dice: dice.choice([0, "true", None])),
    ({"enum": ["billing", "shipping", 3, None]}, lambda dice: dice.choice(["billing", 3, 3.0, None]), lambda _: "bil"),
    ({"const": 'a\u00e9"\\'}, lambda _: 'a\u00e9"\\', lambda dice: dice.choice(["a", "", 1])),
    ({"type": ["string", "null"], "maxLength": 20}, lambda dice: dice.choice([None, "short"]), lambda _: "x" * 21),
    ({"type": "string", "pattern": "^SKU-[0-9]+$"}, lambda dice: f"SKU-{dice.randrange(99)}", lambda _: "SKU-"),
    ({"type": "string", "format": "date"}, lambda _: "2026-11-22", lambda _: "yesterday"),
)  # fmt: skip


def schema(dice: Dice, depth: int = 0) -> tuple[dict[str, Any], Callable[[Dice], Any], Callable[[Dice], Any]]:
    """Return a schema, what makes a value that fits, and what makes one that does not."""
    kind = dice.choice(["leaf", "leaf", "array", "object", "either", "object"]) if depth else "object"
    if depth > 3 or kind == "leaf":
        return dice.choice(LEAVES)
    if kind == "array":
        inner, good, bad = schema(dice, depth + 1)
        one = {"type": "array", "items": inner, "minItems": 1}
        return one, lambda d: [good(d) for _ in range(d.randint(1, 3))], lambda d: d.choice([[good(d), bad(d)], []])
    if kind == "either":
        inner, good, bad = schema(dice, depth + 1)
        if "null" in str(inner) or "enum" in str(inner):
            return inner, good, bad
        return {"anyOf": [{"type": "null"}, inner]}, lambda d: d.choice([None, good(d)]), lambda d: _not_null(bad, d)
    names = dice.sample(["id", "name", "tags", "café", "a b", 'q"uote', "n"], dice.randint(1, 4))
    parts = {name: schema(dice, depth + 1) for name in names}
    required = dice.sample(names, dice.randint(1, len(names)))
    one = {"type": "object", "properties": {name: part[0] for name, part in parts.items()}, "required": required}
    one["additionalProperties"] = False

    def good_object(d: Dice) -> Any:
        kept = [name for name in names if name in required or d.random() < 0.5]
        return {name: parts[name][1](d) for name in d.sample(kept, len(kept))}

    def bad_object(d: Dice) -> Any:
        made = good_object(d)
        match d.randrange(4):
            case 0:
                made.pop(d.choice(required))
            case 1:
                made["unheard of"] = 1
            case 2:
                return d.choice([[], "text", 3, None])
            case _:
                name = d.choice(list(made))
                made[name] = parts[name][2](d)
        return made

    return one, good_object, bad_object


def _not_null(bad: Callable[[Dice], Any], dice: Dice) -> Any:
    while (made := bad(dice)) is None:
        pass
    return made


def written(dice: Dice, value: Any) -> str:
    """JSON, written one way or another."""
    text = orjson.dumps(value, option=dice.choice([0, orjson.OPT_INDENT_2])).decode()
    return dice.choice(["", " ", "\n"]) + text + dice.choice(["", "\n"])


def garbled(dice: Dice, text: str) -> str:
    """JSON no longer: cut off, fenced, talked about, or with a mark too many."""
    text = text.strip()
    match dice.randrange(6):
        case 0:
            return text[: dice.randrange(1, len(text))]
        case 1:
            return f"```json\n{text}\n```"
        case 2:
            return f"Here is the JSON: {text}"
        case 3:
            return text + dice.choice(["}", ",", " done", text])
        case 4:
            return text[:-1] + ",}"
        case _:
            return text.replace('"', "'")


# ---------------------------------------------------------------------------------------------------------------- cases


def json_schema(dice: Dice, good: Good) -> Case:
    one, fits, breaks = schema(dice)
    if dice.random() < 0.3:  # the same, by reference
        one = {"$ref": "#/$defs/it", "$defs": {"it": one}}
    request = asked(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": one}})
    text = written(dice, fits(dice) if good or dice.random() < 0.5 else breaks(dice))
    if not good and _fits(one, text):
        text = garbled(dice, text)
    return Case("json_schema", request, {"content": text}, checks("complete", "json_schema"), good)


def _fits(one: Any, text: str) -> bool:
    """Whether it fits after all, by another library than ours."""
    return bool(Draft202012Validator(one, format_checker=FormatChecker()).is_valid(orjson.loads(text)))


def json_object(dice: Dice, good: Good) -> Case:
    value = {"a": [1, {"b": None}], "c": prose(dice, 4)}
    text = (
        written(dice, value) if good else dice.choice([garbled(dice, written(dice, value)), "[1, 2]", '"text"', "12"])
    )
    request = asked(response_format={"type": "json_object"})
    return Case(
        "json_object", request, {"content": text}, checks("complete", dice.choice(["json_object", "json_schema"])), good
    )


def tool_calls(dice: Dice, good: Good) -> Case:
    one, fits, breaks = schema(dice)
    names = ["find_order", "refund", "look_up"]
    tools = [{"type": "function", "function": {"name": name, "parameters": one}} for name in names]
    more: dict[str, Any] = {"tools": tools}
    count = dice.choice([1, 1, 2, 3])
    calls = [_call(f"call_{i}", dice.choice(names), orjson.dumps(fits(dice)).decode()) for i in range(count)]
    if dice.random() < 0.3:
        more["tool_choice"] = dice.choice(
            ["required", {"type": "function", "function": {"name": calls[0]["function"]["name"]}}]
        )
        if isinstance(more["tool_choice"], dict):
            calls = calls[:1]
    message: dict[str, Any] = {"content": None, "tool_calls": calls}
    if good:
        if "tool_choice" not in more and dice.random() < 0.2:
            message = {"content": prose(dice)}
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        return Case("tool_calls", asked(**more), message, checks("complete", "tool_calls"), good, finish)
    match dice.randrange(9):
        case 0:
            calls.append({**calls[0]})
        case 1:
            more["tool_choice"] = "none"
        case 2:
            more["tool_choice"], message = "required", {"content": prose(dice)}
        case 3:
            more["parallel_tool_calls"] = False
            calls.append(_call("call_x", names[0], orjson.dumps(fits(dice)).decode()))
        case 4:
            more.pop("tool_choice", None)
            message = {"content": '<tool_call>{"name": "refund", "arguments": {}}</tool_call>'}
        case _:
            spoil(dice, dice.choice(calls)["function"], one, breaks)
    return Case("tool_calls", asked(**more), message, checks("complete", "tool_calls"), good)


def spoil(dice: Dice, call: dict[str, Any], one: Any, breaks: Callable[[Dice], Any]) -> None:
    """Make a call that nobody can carry out of a good one."""
    match dice.randrange(3):
        case 0:
            call["name"] = dice.choice(["find", "", "find_orderfind_order"])
        case 1:
            call["arguments"] = garbled(dice, call["arguments"])
        case 2:
            call["arguments"] = orjson.dumps(breaks(dice)).decode()
            if _fits(one, call["arguments"]):
                call["arguments"] += "}"


def _call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def complete(dice: Dice, good: Good) -> Case:
    if good:
        more: dict[str, Any] = dice.choice([{}, {"max_tokens": 9}])
        finish = "length" if more else dice.choice(["stop", "content_filter"])
        return Case("complete", asked(**more), {"content": prose(dice)}, checks("complete"), good, finish)
    text, finish = dice.choice([(prose(dice), "length"), ("", "stop"), (" \n ", "stop"), ("", "length")])
    return Case("complete", asked(), {"content": text}, checks("complete"), good, finish)


def refusal(dice: Dice, good: Good) -> Case:
    message: dict[str, Any] = {
        "content": dice.choice(ANSWERS if good else REFUSALS) + " " + prose(dice, dice.randrange(60))
    }
    if not good and dice.random() < 0.2:
        message = {"content": None, "refusal": "I cannot help with that."}
    return Case("refusal", asked(), message, checks("complete", "refusal"), good)


def repetition(dice: Dice, good: Good) -> Case:
    text = prose(dice, dice.randint(20, 300))
    if good:
        text += dice.choice(["", "\n" + "-" * 300, " ha" * 9, "\n| 1 | 2 |" * 20, "\n0, 0, 0, 0, 0," * 10])
    else:
        block = dice.choice([prose(dice, dice.randint(3, 90)) + " ", "the ", "No. ", f"- {prose(dice, 6)}\n"])[:590]
        text += block * max(5, 700 // len(block) + 1) + dice.choice(["", prose(dice)])
    return Case("repetition", asked(), {"content": text}, checks("complete", "repetition"), good)


def length(dice: Dice, good: Good) -> Case:
    item = dice.choice([{"length": {"min": 30, "max": 400}}, {"length": {"min": 5, "max": 60, "unit": "words"}}])
    text = prose(dice, 20 if good else dice.choice([1, 200]))
    return Case("length", asked(), {"content": text}, checks("complete", item), good)


def texts(dice: Dice, good: Good) -> Case:
    item: dict[str, Any] = dice.choice(
        [
            {"must_contain": {"texts": ["Kind regards"]}},
            {"must_not_contain": {"texts": ["GUARANTEE", "ß"], "ignore_case": True}},
        ]
    )
    need = "must_contain" in item
    text = prose(dice)
    if good == need:
        at = dice.randrange(len(text))
        text = text[:at] + ("Kind regards" if need else dice.choice(["guarantee", "SS"])) + text[at:]
    elif not need:
        text = text.replace("ss", "s")
    return Case("texts", asked(), {"content": text}, checks("complete", item), good)


def regex(dice: Dice, good: Good) -> Case:
    text = prose(dice) + (" Ticket ABC-12." if good else " Ticket abc.")
    return Case("regex", asked(), {"content": text}, checks("complete", {"regex": {"pattern": "[A-Z]+-[0-9]+"}}), good)


def citations(dice: Dice, good: Good) -> Case:
    request = asked("Sources:\n[1] One.\n[2] Two.\n[7] Seven.\nWhat is it?")
    cited = dice.choice([" [1]", "[2][7]", " [1, 7]"]) if good else dice.choice([" [3]", "[1][22]", " [1, 4]", ""])
    text = prose(dice, 12)[:-1] + cited + ". " + prose(dice, 5)
    return Case("citations", request, {"content": text}, checks("complete", {"citations": {"required": True}}), good)


def logprob(dice: Dice, good: Good) -> Case:
    logprobs = tuple(-dice.random() * (0.5 if good else 0.9) for _ in range(20)) + ((-0.1,) if good else (-9.5,))
    return Case(
        "logprob",
        asked(),
        {"content": prose(dice)},
        checks("complete", {"logprob": {"min": -9}}),
        good,
        logprobs=logprobs,
    )


KINDS: tuple[Callable[[Dice, Good], Case], ...] = (
    *(json_schema, json_schema, json_schema, tool_calls, tool_calls, json_object, complete, refusal),
    *(repetition, length, texts, regex, citations, logprob),
)


def cases() -> Iterator[Case]:
    dice = Dice(SEED)
    for number in range(CASES):
        yield KINDS[number % len(KINDS)](dice, dice.random() < 0.5)


# -------------------------------------------------------------------------------------------------------------- streams


def pieces(dice: Dice, text: str, longest: int) -> list[str]:
    cut = []
    while text:
        size = dice.randint(1, longest)
        cut.append(text[:size])
        text = text[size:]
    return cut


def deltas(case: Case, dice: Dice) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    longest = dice.choice([1 if len(case.message.get("content") or "") < 300 else 9, 12, 60, 4000])
    for piece in pieces(dice, case.message.get("content") or "", longest):
        yield {"content": piece}
    for piece in pieces(dice, case.message.get("refusal") or "", longest):
        yield {"refusal": piece}
    for index, call in enumerate(case.message.get("tool_calls") or ()):
        function = call["function"]
        yield {"tool_calls": [{**call, "index": index, "function": {"name": function["name"], "arguments": ""}}]}
        for piece in pieces(dice, function["arguments"], longest):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


class Replayed(Given):
    """A streamed answer as the network brings it."""

    def __init__(self, data: bytes, dice: Dice) -> None:
        self._data = data
        self._dice = dice
        self.taken = 0
        super().__init__(self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        while self.taken < len(self._data):
            size = self._dice.randint(1, 700)
            chunk = self._data[self.taken : self.taken + size]
            self.taken += len(chunk)
            yield chunk

    async def aclose(self) -> None:
        pass


def sse(case: Case, dice: Dice) -> bytes:
    events: list[Any] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas(case, dice)
    ]
    if case.logprobs:
        events[-1]["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": one} for one in case.logprobs]}
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": case.finish}]})
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


async def streamed(case: Case, dice: Dice) -> tuple[Verdict, bool]:
    """Hold a stream back to its end, as the cascade does; the verdict, and whether it came before the end."""
    source = Replayed(sse(case, dice), dice)
    stream = Stream(source, show_usage=True, patience=(60.0, 60.0), now=lambda: 0.0, until=60.0)  # type: ignore[arg-type]
    watching = Watching.of(case.checks, case.request)
    await stream.hold(ALL, watching.add if watching else None)
    if stream.broken is not None:
        return Verdict(accepted=False, reason=stream.broken), True
    return judge(stream.answer.completion(), case.request, case.checks), False


async def test_nothing_bad_passes_nothing_good_escalates_and_both_ways_agree() -> None:
    dice = Dice(SEED + 1)
    wrong: list[str] = []
    count: Counter[str] = Counter()
    for case in cases():
        whole = judge(case.whole, case.request, case.checks)
        try:
            held, early = await streamed(case, dice)
        except Failure as failure:
            held, early = Verdict(accepted=False, reason=failure.reason), False
        count[f"{'good' if case.good else 'bad'}"] += 1
        count["early"] += early
        if not whole.accepted == held.accepted == case.good or whole.reason != held.reason:
            wrong.append(
                f"{case.kind} good={case.good}: whole {whole.reason}, streamed {held.reason}: {case.message!r}"
            )

    assert not wrong, "\n".join([f"{len(wrong)} of {CASES}", *wrong[:20]])
    assert count["good"] > 900
    assert count["bad"] > 900
    assert count["early"] > 400


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_makes_good_and_bad_answers(kind: Callable[[Dice, Good], Case]) -> None:
    assert [kind(Dice(1), good).good for good in (True, False)] == [True, False]
