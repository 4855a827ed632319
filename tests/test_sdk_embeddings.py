"""The official `openai` client asks a running proxy for embeddings: in base64, unless it is told otherwise."""

from pathlib import Path
from typing import Any

import openai  # noqa: TID253  plays the customer
import pytest

from router.demo.answers import Answer
from router.demo.vectors import embedded
from tests.embedding import Embedder, embedder


def customer(served: Embedder, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=served.base_url, api_key=key, max_retries=0)


async def test_what_the_client_decodes_is_what_the_model_said(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served, customer(served) as client:
        answer = await client.embeddings.create(model="texts", input=["hello you", "and you"], dimensions=5)
        sent = served.fakes["one"].requests[0].data
    wanted = [embedded(text, {"dimensions": 5}) for text in ("hello you", "and you")]
    assert [entry.embedding for entry in answer.data] == wanted
    assert (answer.model, answer.usage.prompt_tokens, sent["encoding_format"]) == ("bge", 5, "base64")


@pytest.mark.parametrize("given", ["hello", [1, 2, 3], [[1, 2], [3]]])
async def test_numbers_are_numbers_where_the_client_wants_them(tmp_path: Path, given: Any) -> None:
    async with embedder(tmp_path) as served, customer(served) as client:
        answer = await client.embeddings.create(model="near", input=given, encoding_format="float")
    assert [len(entry.embedding) for entry in answer.data] == [32] * (2 if given == [[1, 2], [3]] else 1)


async def test_an_upstream_that_knows_no_base64_is_read_all_the_same(tmp_path: Path) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, 1]}]
    numbers = Answer(
        json={"object": "list", "data": data, "model": "bge", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    )
    async with embedder(tmp_path, one=numbers) as served, customer(served) as client:
        answer = await client.embeddings.create(model="texts", input="hello")
    assert answer.data[0].embedding == [0.25, 1]


async def test_the_headers_say_who_answered(tmp_path: Path) -> None:
    async with embedder(tmp_path) as served, customer(served) as client:
        raw = await client.embeddings.with_raw_response.create(model="texts", input="hello")
    assert (raw.headers["x-router-deployment"], raw.headers["x-router-cost-usd"]) == ("one", "0.000004000")


async def test_refusals_are_raised_as_openai_raises_them(tmp_path: Path) -> None:
    async with embedder(tmp_path, {"auth": {"keys": "keys.yaml"}}) as served:
        async with customer(served) as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.embeddings.create(model="texts", input="hello")
        async with customer(served, "sf-ann") as client:
            with pytest.raises(openai.NotFoundError, match="no route named 'text'"):
                await client.embeddings.create(model="text", input="hello")
            with pytest.raises(openai.BadRequestError) as caught:
                await client.embeddings.create(model="texts", input=[])
    assert (caught.value.param, caught.value.code) == ("input", "empty_array")


async def test_failures_are_raised_as_openai_raises_them(tmp_path: Path) -> None:
    busy = Answer(status=429, error={"message": "slow down", "code": "rate"}, headers={"retry-after": "5"})
    async with embedder(tmp_path, one=busy) as served, customer(served) as client:
        with pytest.raises(openai.RateLimitError, match="slow down") as caught:
            await client.embeddings.create(model="one", input="hello")
    assert caught.value.response.headers["retry-after"] == "5"
