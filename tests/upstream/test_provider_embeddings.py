"""Embeddings through the real LiteLLM, speaking to a provider of our own on this machine."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from router.demo.answers import Answer as Told
from router.demo.upstream import FakeUpstream
from router.embeddings import vectors
from router.plan import Deployment
from router.policy.schema import Breaker, Timeout
from router.upstream.client import TRACEPARENT, TransportError
from router.upstream.provider_answers import Answer
from router.upstream.providers import Provider, load

pytestmark = pytest.mark.slow

NUMBERS = [0.5, -0.25, 2.0]
COHERE = {
    "id": "1",
    "embeddings": {"float": [NUMBERS, NUMBERS]},
    "texts": ["a", "b"],
    "meta": {"billed_units": {"input_tokens": 2}},
    "response_type": "embeddings_by_type",
}


@asynccontextmanager
async def upstream(
    answer: Told,
    *,
    provider: str = "openai",
    model: str = "text-embedding-3-small",
    path: str = "",
    total: float = 30.0,
) -> AsyncIterator[tuple[FakeUpstream, Provider]]:
    async with FakeUpstream(answer) as fake:
        deployment = Deployment(
            name="e",
            model=model,
            base_url=f"{fake.base_url}{path}",
            provider=provider,
            api_key="sk-upstream",
            price=None,
            context_window=None,
            concurrency=None,
            spills=False,
            timeout=Timeout(total=total),
            breaker=Breaker(),
            labels={},
            lacks=frozenset(),
        )
        yield fake, Provider(deployment)
        await load().close_litellm_async_clients()


def body(**more: Any) -> bytes:
    return orjson.dumps({"model": "e", "input": ["a", "b"], **more})


def told(answer: Answer) -> dict[str, Any]:
    read = orjson.loads(answer.content)
    said: dict[str, Any] = read.get("error", read)
    return said


@pytest.fixture(autouse=True)
def quietly(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """LiteLLM's own warnings are LiteLLM's own business."""
    yield
    recwarn.clear()


async def test_an_answer_arrives_as_openai_would_have_sent_it() -> None:
    async with upstream(Told(text="x")) as (fake, one):
        answer = await one.embedded(body(dimensions=3, user="u", metadata={"team": "a"}))
        sent = fake.requests[0]
    said = told(answer)
    assert (answer.status, vectors(answer.content, 2).size, said["object"]) == (200, 3, "list")
    assert [entry["index"] for entry in said["data"]] == [0, 1]
    assert (said["usage"]["prompt_tokens"], said["model"]) == (2, "text-embedding-3-small")
    assert (sent.path, sent.headers["authorization"]) == ("/v1/embeddings", "Bearer sk-upstream")
    kept = {name: sent.data[name] for name in ("input", "dimensions", "user", "model")}
    assert kept == {"input": ["a", "b"], "dimensions": 3, "user": "u", "model": "text-embedding-3-small"}
    assert "metadata" not in sent.data


@pytest.mark.parametrize("form", ["float", "base64", None])
async def test_a_provider_of_another_protocol_answers_in_the_form_that_was_asked_for(form: str | None) -> None:
    cohere: dict[str, Any] = {"provider": "cohere", "model": "embed-english-v3.0", "path": "/embed"}
    async with upstream(Told(json=COHERE), **cohere) as (_, one):
        answer = await one.embedded(body(encoding_format=form, input_type="search_query"))
    packed = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()
    assert answer.status == 200, answer
    assert [entry["embedding"] for entry in told(answer)["data"]] == [packed if form == "base64" else NUMBERS] * 2
    assert vectors(answer.content, 2).size == 3


async def test_token_ids_are_handed_on() -> None:
    async with upstream(Told(text="x")) as (fake, one):
        answer = await one.embedded(body(input=[[1, 2], [3]]))
        assert fake.requests[0].data["input"] == [[1, 2], [3]]
    assert vectors(answer.content, 2).usage is not None


async def test_usage_that_nobody_measured_is_left_out() -> None:
    async with upstream(Told(text="x", usage=None)) as (_, one):
        answer = await one.embedded(body())
    assert (answer.status, vectors(answer.content, 2).usage) == (200, None)


@pytest.mark.parametrize("field", ["api_base", "mock_response", "caching", "anything"])
async def test_a_client_cannot_speak_to_litellm_itself(field: str) -> None:
    async with upstream(Told(text="x")) as (fake, one):
        answer = await one.embedded(body(**{field: "x"}))
        assert fake.requests == []
    assert (answer.status, told(answer)["param"], told(answer)["code"]) == (400, field, "unsupported_parameter")


async def test_a_parameter_that_the_provider_does_not_know_is_the_request_s_fault() -> None:
    async with upstream(Told(text="x"), model="text-embedding-ada-002") as (fake, one):
        answer = await one.embedded(body(dimensions=3))
        assert fake.requests == []
    assert (answer.status, told(answer)["code"]) == (400, "unsupported_parameter")


async def test_a_rate_limit_keeps_its_status_its_words_and_its_retry_after() -> None:
    busy = Told(status=429, error={"message": "slow down"}, headers={"retry-after": "7"})
    async with upstream(busy) as (fake, one):
        answer = await one.embedded(body())
        assert len(fake.requests) == 1
    assert (answer.status, told(answer)["message"], answer.headers["retry-after"]) == (429, "slow down", "7")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Told(raw="{not json"), "malformed"), (Told(text="x", cut_after=0), "reset"), (Told(refuse=True), "connect")],
)
async def test_no_answer_has_a_kind(answer: Told, kind: str) -> None:
    async with upstream(answer) as (_, one):
        with pytest.raises(TransportError) as caught:
            await one.embedded(body())
    assert caught.value.kind == kind


async def test_a_provider_that_says_nothing_times_out_and_is_left() -> None:
    async with upstream(Told(stall=True)) as (fake, one):
        with pytest.raises(TransportError) as caught:
            await one.embedded(body(), within=1.0)
        await fake.left(1)
    assert caught.value.kind == "timeout"


async def test_a_client_that_leaves_closes_the_upstream_connection() -> None:
    async with upstream(Told(stall=True)) as (fake, one):
        asking = asyncio.create_task(one.embedded(body()))
        await fake.saw(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await fake.left(1)


async def test_the_trace_goes_along() -> None:
    async with upstream(Told(text="x")) as (fake, one):
        token = TRACEPARENT.set(b"00-aa-bb-01")
        try:
            await one.embedded(body())
        finally:
            TRACEPARENT.reset(token)
        assert fake.requests[0].headers["traceparent"] == "00-aa-bb-01"
