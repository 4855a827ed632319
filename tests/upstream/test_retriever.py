"""A retriever at work: bounded in time and size, and closed when nobody uses it."""

import asyncio
from typing import Any

import pytest

from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.prompts import Chunk, Context
from router.upstream.retriever import Retriever, RetrieverError
from tests.plans import asked


def context(url: str, key: str | None = None) -> Context:
    return Context(url, key, top_k=2, messages=False, timeout=5.0, words=("x",), on_error="skip")


async def found(answer: Any, within: float = 5.0) -> tuple[Chunk, ...]:
    async with FakeUpstream.from_data(answer) as fake:
        where = context(f"{fake.base_url}/find", "secret")
        retriever = Retriever(where)
        try:
            chunks = await retriever.ask(where, asked("how hot?"), within=within)
        finally:
            await retriever.retire()
        assert (fake.requests[0].path, fake.requests[0].headers["authorization"]) == ("/v1/find", "Bearer secret")
        return chunks


async def test_chunks_come() -> None:
    assert await found({"json": {"chunks": [{"id": "a", "text": "b"}]}}) == (Chunk("a", "b"),)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"stall": True}, "timeout"),
        ({"status": 500}, "failed"),
        ({"status": 302, "headers": {"location": "http://127.0.0.1:1/"}}, "failed"),
        ({"raw": "<html>"}, "failed"),
        ({"raw": "x" * (1024 * 1024 + 1)}, "failed"),
        ({"reset": "before"}, "failed"),
    ],
)
async def test_whatever_else_comes_has_a_name(answer: dict[str, Any], why: str) -> None:
    with pytest.raises(RetrieverError, match=why):
        await found(answer, within=0.3 if why == "timeout" else 5.0)


async def test_it_is_closed_when_the_last_has_its_answer() -> None:
    gate = asyncio.Event()

    async with FakeUpstream(Answer(json={"chunks": []}, gate=gate)) as fake:
        where = context(f"{fake.base_url}/find")
        retriever = Retriever(where)
        asking = asyncio.create_task(retriever.ask(where, asked(), within=5))
        await fake.saw(1)
        retiring = asyncio.create_task(retriever.retire())
        await asyncio.wait({retiring}, timeout=0.05)
        assert not retiring.done()
        gate.set()
        assert await asking == ()
        await retiring
