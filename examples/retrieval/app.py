"""The retriever's HTTP: facts in, chunks out.

`DATABASE_URL=postgresql://… uvicorn --factory examples.retrieval.app:from_environment --port 8090`
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.retrieval.chunking import chunks
from examples.retrieval.embedding import Embed, model, words
from examples.retrieval.store import Store

__all__ = ["from_environment", "retriever"]

_MOST = 50
FACTS = Path(__file__).parent / "facts"


def retriever(address: str, embed: Embed = words, facts: Path | None = FACTS) -> Starlette:
    """A retriever on a database, which begins with the Markdown files of a folder."""
    stores: list[Store] = []
    first = [(path.name, path.read_text("utf-8")) for path in sorted(facts.glob("*.md"))] if facts else []

    async def keep(source: str, text: str) -> int:
        pieces = list(chunks(source, text))
        await stores[0].replace(source, pieces, await embed([piece.text for piece in pieces]))
        return len(pieces)

    async def retrieve(request: Request) -> JSONResponse:
        asked = await request.json()
        (vector,) = await embed([asked["query"]])
        found = await stores[0].nearest(vector, min(int(asked.get("top_k", 4)), _MOST))
        return JSONResponse({"chunks": [asdict(chunk) for chunk in found]})

    async def add(request: Request) -> JSONResponse:
        said = await request.json()
        return JSONResponse({"chunks": await keep(said["source"], said["text"])}, 201)

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        stores.append(await Store.connect(address))
        for name, text in first:
            await keep(name, text)
        yield
        await stores.pop().aclose()

    routes = [Route("/retrieve", retrieve, methods=["POST"]), Route("/facts", add, methods=["POST"])]
    return Starlette(routes=routes, lifespan=life)


def from_environment() -> Starlette:
    """One as the environment says: DATABASE_URL, and perhaps EMBEDDINGS_URL, EMBEDDINGS_MODEL and EMBEDDINGS_KEY."""
    said = os.environ
    embed: Embed = words
    if "EMBEDDINGS_URL" in said:
        embed = model(said["EMBEDDINGS_URL"], said["EMBEDDINGS_MODEL"], said.get("EMBEDDINGS_KEY", ""))
    return retriever(said["DATABASE_URL"], embed)
