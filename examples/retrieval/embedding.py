"""A piece of text as a point in space: near where texts are that mean the same, as far as the embedding knows.

`words` counts hashed words. It finds what is said in the same words, needs no model, and is here so that all the rest
can be tried. `model` asks a model for real embeddings; texts that were stored with one find nothing with the other.
"""

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b

import httpx

__all__ = ["DIMENSIONS", "Embed", "model", "words"]

DIMENSIONS = 256
Vector = list[float]
Embed = Callable[[Sequence[str]], Awaitable[list[Vector]]]
"""Texts in, as many points of length 1 out."""
_WORD = re.compile(r"\w+")
_SAID_ANYWHERE = re.compile(
    r"a|an|and|are|as|at|be|by|for|from|has|how|i|in|is|it|of|on|or|that|the|this|to|was|what|with"
)


async def words(texts: Sequence[str]) -> list[Vector]:
    """Count each text's words, hashed into as many numbers as there are dimensions."""
    return [_counted(text) for text in texts]


def model(base_url: str, name: str, api_key: str = "") -> Embed:
    """Ask an OpenAI-compatible server's `/embeddings` for vectors of `DIMENSIONS` numbers."""
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}

    async def ask(texts: Sequence[str]) -> list[Vector]:
        if not texts:  # a source that is empty by now
            return []
        asked = {"model": name, "input": list(texts), "dimensions": DIMENSIONS}
        async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
            answer = await client.post(f"{base_url}/embeddings", json=asked)
        answer.raise_for_status()
        told = sorted(answer.json()["data"], key=lambda each: each["index"])
        if len(told) != len(texts) or any(len(each["embedding"]) != DIMENSIONS for each in told):
            raise ValueError(
                f"{name} does not give {DIMENSIONS} numbers for each text: change DIMENSIONS, and begin anew"
            )
        return [_of_length_one(each["embedding"]) for each in told]

    return ask


def _counted(text: str) -> Vector:
    vector = [0.0] * DIMENSIONS
    for word in _WORD.findall(text.lower()):
        if not _SAID_ANYWHERE.fullmatch(word):
            place = int.from_bytes(blake2b(word.encode(), digest_size=4).digest()) % DIMENSIONS
            vector[place] += 1.0
    return _of_length_one(vector)


def _of_length_one(vector: Sequence[float]) -> Vector:
    length = math.sqrt(sum(each * each for each in vector))
    return [each / length for each in vector] if length else list(vector)
