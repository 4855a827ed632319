"""The parts of a request's way, each to be run again and again: counted here, timed by `bench.micro`."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson

from bench import workload
from bench.counting import Count, counted
from router import chat, consider, signals
from router.assembly import plan_of
from router.cache import asked
from router.chat import ChatRequest, Choice, Chunks, Completion
from router.difficulty import builtin
from router.ids import Signer
from router.keys import Keyring
from router.log import line
from router.metrics import Metrics
from router.outcome import Outcome, headers
from router.pipeline import Pipeline
from router.plan import Plan
from router.policy import load
from router.policy.checks import Check as Spec
from router.policy.checks import read_check
from router.pricing import PriceList
from router.records.line import of_outcome
from router.server.caller import identify
from router.server.decisions import Decisions
from router.sse import Splitter
from router.store import Memory
from router.upstream.pool import Pool
from router.verify import Watching, compiled, judge

__all__ = ["PARTS", "Part", "count"]

Work = Callable[[], object]
_TIMES = 5
_PROSE = " ".join(f"Sentence {n} says something about the number {n * 7919 % 1009}." for n in range(20))
_CHECKS = ("complete", "refusal", {"length": {"max": 9000}}, {"must_not_contain": {"texts": ["never"]}}, "repetition")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: how it is made ready, and what it may take in time."""

    ready: Callable[[], Work]
    micros: float
    """Microseconds of CPU on the machine that `bench.micro` calls 1; it is held to them with a generous slack."""
    per: int = 1
    """How many things one run does: kilobytes, events."""


def count(name: str) -> Count:
    """Count one run of a part: the least of a few, after a first that fills what is remembered."""
    work = PARTS[name].ready()
    work()
    found = [_counted(work) for _ in range(_TIMES)]
    return min(found, key=lambda one: one.instructions + one.calls + one.c_calls)


def _counted(work: Work) -> Count:
    with counted() as calls:
        work()
    with counted(instructions=True) as instructions:
        work()
    return Count(calls.calls, calls.c_calls, instructions.instructions)


@cache
def _plan() -> Plan:
    path = workload.write(Path(mkdtemp(prefix="smallfirst-bench-")), "http://127.0.0.1:9/v1")
    return plan_of(load(path, {}), PriceList(), now=0.0)


def _request(size: int = 1024, **more: Any) -> ChatRequest:
    return chat.parse(workload.body(size=size, **more))


class _Received:
    """A whole answer that was there before anybody asked."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}
    content = orjson.dumps(
        {
            "id": "chatcmpl-1",
            "model": "small",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": _PROSE}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 300},
        }
    )


class _Ready:
    """A deployment without a socket."""

    async def whole(self, _body: bytes, *, within: float) -> _Received:  # noqa: ARG002  it is here at once
        return _Received()

    async def embedded(self, _body: bytes, *, within: float) -> Any:
        raise NotImplementedError

    async def streamed(self, _body: bytes, *, within: float) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


@cache
def _outcome() -> Outcome:
    """One request's, as the pipeline makes it."""
    seen: list[Outcome] = []
    plan = _plan()
    pool = Pool.of(plan.deployments, lambda _: _Ready(), None)

    async def ask() -> None:
        pipeline = Pipeline(plan, pool, Signer(b"k" * 32), [seen.append])
        await (await pipeline.complete(_request(), consider.Caller("bench"))).aclose()

    asyncio.run(ask())
    return seen[0]


# ----------------------------------------------------------------------------------------------------------- in


def _identify() -> Work:
    keyring = Keyring.read(_plan_folder() / "keys.yaml")
    sent = (
        (b"host", b"127.0.0.1"),
        (b"authorization", f"Bearer {workload.KEY}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"1024"),
    )
    return lambda: identify({"headers": sent}, keyring)


def _plan_folder() -> Path:
    folder = Path(mkdtemp(prefix="smallfirst-bench-"))
    workload.write(folder, "http://127.0.0.1:9/v1")
    return folder


def _parse(size: int) -> Work:
    raw = workload.body(size=size)
    return lambda: chat.parse(raw)


def _signals(characters: int) -> Work:
    request = _request(characters)
    return lambda: signals.read(request)


def _builtin(characters: int) -> Work:
    request, estimate = _request(characters), builtin(("tuned", "frontier"))
    facts = signals.read(request)
    return lambda: estimate(request, facts)


def _trained(characters: int) -> Work:
    from tests.learning.small import model  # trained in a second or two, when somebody asks for it

    request, estimate = _request(characters), model()
    facts = signals.read(request)
    return lambda: estimate(request, facts)


def _decide() -> Work:
    plan, request, caller = _plan(), _request(), consider.Caller("bench")
    return lambda: consider.consider(plan, request, caller)


def _key(size: int) -> Work:
    plan, request, caller = _plan(), _request(size), consider.Caller("bench")
    headed = consider.head(plan, request, caller)
    return lambda: asked(request, headed.route, headed.bounds, caller)


# ----------------------------------------------------------------------------------------------------------- and back


def _completion() -> Work:
    return lambda: chat.completion(_Received.content)


def _checks() -> tuple[Any, ...]:
    return compiled(Spec.model_validate(read_check(item)) for item in _CHECKS)


def _judge() -> Work:
    answer, request, checks = Completion((Choice("stop", _PROSE),), None, None), _request(), _checks()
    return lambda: judge(answer, request, checks)


def _chunks(events: int) -> list[bytes]:
    choice = {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
    data = orjson.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "s", "choices": [choice]})
    return [b"data: %b\n\n" % data] * events


def _watch() -> Work:
    request, checks, chunk = _request(), _checks(), orjson.loads(_chunks(1)[0][6:])

    def work() -> None:
        watching = Watching.of(checks, request)
        for _ in range(100):
            if watching is not None:
                watching.add(chunk)

    return work


def _split(pieces: int) -> Work:
    said = b"".join(_chunks(100))
    step = len(said) // pieces

    def work() -> None:
        splitter = Splitter()
        for start in range(0, len(said), step):
            splitter.feed(said[start : start + step])

    return work


def _follow() -> Work:
    chunk = orjson.loads(_chunks(1)[0][6:])

    def work() -> None:
        answer = Chunks()
        for _ in range(100):
            answer.add(chunk)

    return work


# ----------------------------------------------------------------------------------------------------------- told


def _headers() -> Work:
    outcome = _outcome()
    return lambda: headers(outcome)


def _line() -> Work:
    outcome = _outcome()
    return lambda: line(outcome)


def _metrics() -> Work:
    metrics, outcome = Metrics(), _outcome()
    metrics.serve(_plan(), lambda _: True)
    return lambda: metrics.record(outcome)


def _record() -> Work:
    outcome = _outcome()
    return lambda: of_outcome(outcome, ("tuned", "frontier"), 0.001)


def _decision() -> Work:
    decisions, outcome = Decisions(Memory()), _outcome()
    return lambda: decisions.remember(outcome)


PARTS: Mapping[str, Part] = {
    "identify": Part(_identify, 1.6),
    "parse 1 KB": Part(lambda: _parse(1024), 1.8),
    "parse 100 KB": Part(lambda: _parse(102_400), 22.0, per=100),
    "signals 500 characters": Part(lambda: _signals(500), 6.6),
    "signals 10,000 characters": Part(lambda: _signals(10_000), 28.0),
    "difficulty builtin 500 characters": Part(lambda: _builtin(500), 3.5),
    "difficulty builtin 10,000 characters": Part(lambda: _builtin(10_000), 3.4),
    "difficulty trained 500 characters": Part(lambda: _trained(500), 93.0),
    "difficulty trained 10,000 characters": Part(lambda: _trained(10_000), 150.0),
    "consider 1 KB": Part(_decide, 16.0),
    "cache key 1 KB": Part(lambda: _key(1024), 3.6),
    "cache key 100 KB": Part(lambda: _key(102_400), 84.0, per=100),
    "completion": Part(_completion, 2.2),
    "checks of a whole answer": Part(_judge, 12.0),
    "checks of 100 chunks": Part(_watch, 180.0, per=100),
    "SSE 100 events in one piece": Part(lambda: _split(1), 95.0, per=100),
    "SSE 100 events in 100 pieces": Part(lambda: _split(100), 180.0, per=100),
    "chunks 100 events": Part(_follow, 55.0, per=100),
    "headers": Part(_headers, 1.5),
    "log line": Part(_line, 3.3),
    "metrics": Part(_metrics, 4.1),
    "record": Part(_record, 5.9),
    "decision": Part(_decision, 5.6),
}
"""By name; `micros` is what one run takes."""
