"""Drive a workload through a running proxy as a customer does: the official client, and nothing but a `base_url`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from router.chat import Usage
from router.clock import SYSTEM, Clock
from router.demo.workload import Row

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

__all__ = ["Reading", "Served", "drive", "tell"]

_STREAM_EVERY = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What the client read: text, tool calls as `{"name", "arguments"}`, and the tokens they took."""

    text: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """How one request went. Times are seconds."""

    row: Row
    stream: bool
    seconds: float
    reading: Reading = field(default_factory=Reading)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The response headers, names in lower case; on an error as far as the proxy got."""
    error: str | None = None

    @property
    def tier(self) -> str | None:
        """The tier that answered."""
        return None if self.error else self.headers.get("x-router-tier")

    @property
    def path(self) -> tuple[tuple[str, str], ...]:
        """The tiers that were asked, each with what became of it: `(("tuned", "truncated"), ("frontier", "ok"))`."""
        steps = [step.partition(":") for step in self.headers.get("x-router-path", "").split(",") if step]
        return tuple((tier, verdict) for tier, _, verdict in steps)


async def drive(
    base_url: str,
    rows: Sequence[Row],
    *,
    model: str = "auto",
    concurrency: int = 8,
    answered: Callable[[], None] = lambda: None,
    clock: Clock = SYSTEM,
) -> tuple[Served, ...]:
    """Send every row's request, `concurrency` at once and every third as a stream; the results are in the rows' order.

    A request that fails is a result with an `error`, never an exception. `answered` is told after each.
    """
    from openai import AsyncOpenAI

    places = asyncio.Semaphore(concurrency)
    async with AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=60) as client:
        _ = client.chat.completions.with_raw_response  # loads what the client loads late, before anything is timed

        async def serve(number: int, row: Row) -> Served:
            async with places:
                served = await _serve(client, row, model, clock, stream=number % _STREAM_EVERY == _STREAM_EVERY - 1)
                answered()
                return served

        return tuple(await asyncio.gather(*(serve(number, row) for number, row in enumerate(rows))))


async def tell(base_url: str, scores: Mapping[str, float], *, concurrency: int = 8) -> None:
    """Say how good answers were, by the id of their requests, as `POST /v1/feedback` takes it."""
    from openai import AsyncOpenAI

    places = asyncio.Semaphore(concurrency)
    async with AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=60) as client:

        async def say(identity: str, score: float) -> None:
            async with places:
                await client.post("/feedback", cast_to=object, body={"id": identity, "score": score})

        await asyncio.gather(*(say(identity, score) for identity, score in scores.items()))


async def _serve(client: "AsyncOpenAI", row: Row, model: str, clock: Clock, *, stream: bool) -> Served:
    from openai import APIStatusError

    body: dict[str, Any] = {"messages": row.messages, **row.request}
    if stream:
        body |= {"stream_options": {"include_usage": True}}
    begun, headers = clock.now(), dict[str, str]()
    try:
        # Rows are other people's JSON, which the client's types do not know: everything goes through `extra_body`.
        answer = await client.chat.completions.with_raw_response.create(
            model=model, messages=[], stream=stream, extra_body=body
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        parsed: Any = answer.parse()
        reading = await _read_stream(parsed) if stream else _read(parsed)
    except APIStatusError as error:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        return Served(row, stream, clock.now() - begun, headers=headers, error=f"{error.status_code}: {error.message}")
    except Exception as error:  # noqa: BLE001 - whatever went wrong is what became of this request, and is reported
        return Served(row, stream, clock.now() - begun, headers=headers, error=f"{type(error).__name__}: {error}")
    return Served(row, stream, clock.now() - begun, reading, headers)


def _read(completion: "ChatCompletion") -> Reading:
    data = completion.model_dump()
    message = data["choices"][0]["message"]
    return Reading(
        text=message.get("content") or "",
        tool_calls=tuple(_call(call["function"]) for call in message.get("tool_calls") or ()),
        usage=_usage(data.get("usage")),
    )


async def _read_stream(chunks: "AsyncIterator[ChatCompletionChunk]") -> Reading:
    text, calls, usage = "", dict[int, dict[str, str]](), None
    async for chunk in chunks:
        data = chunk.model_dump()
        usage = _usage(data.get("usage")) or usage
        for choice in data["choices"]:
            text += choice["delta"].get("content") or ""
            for part in choice["delta"].get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"name": "", "arguments": ""})
                for name in call:
                    call[name] += part["function"].get(name) or ""
    return Reading(text, tuple(_call(call) for call in calls.values()), usage)


def _call(function: Mapping[str, str]) -> Mapping[str, Any]:
    return {"name": function["name"], "arguments": orjson.loads(function["arguments"] or "{}")}


def _usage(usage: Mapping[str, Any] | None) -> Usage | None:
    if usage is None:
        return None
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(input=usage["prompt_tokens"], output=usage["completion_tokens"], cached_input=cached)
