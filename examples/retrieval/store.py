"""The points in PostgreSQL: all of the SQL there is.

With the extension pgvector an index finds the nearest ones. Without it the same table holds plain arrays and every
question reads all of them: enough to try this with some thousand chunks, not more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import asyncpg

from examples.retrieval.chunking import Chunk
from examples.retrieval.embedding import DIMENSIONS

__all__ = ["Store"]


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What differs between the two ways of keeping a vector."""

    type: str
    given: str
    """How a vector that is handed in is written."""
    nearest: str
    """What to order by, the nearest first."""
    index: str = ""

    def shown(self, vector: Sequence[float]) -> Any:
        """A vector as the driver takes it."""
        return f"[{','.join(map(repr, vector))}]" if self.index else list(vector)


_PGVECTOR = _Dialect(
    f"vector({DIMENSIONS})",
    "$1::text::vector",
    "embedding <=> $1::text::vector",
    "CREATE INDEX IF NOT EXISTS chunks_near ON chunks USING hnsw (embedding vector_cosine_ops)",
)
_ARRAYS = _Dialect(
    "float8[]",
    "$1::float8[]",
    "(SELECT -sum(a * b) FROM unnest(embedding, $1::float8[]) AS pair(a, b))",
)


_SETTINGS = {"hnsw.ef_search": "100"}
"""How many chunks the index looks at: it finds no more than these, and only 40 unless told so."""


class Store:
    """A table of chunks and their vectors."""

    def __init__(self, pool: Any, dialect: _Dialect) -> None:
        self._pool = pool
        self._dialect = dialect

    @classmethod
    async def connect(cls, address: str) -> Self:
        """Open a database and make its table, with pgvector if the server has it."""
        pool = await asyncpg.create_pool(address, min_size=1, max_size=8, server_settings=_SETTINGS)
        has = await pool.fetchval("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        dialect = _PGVECTOR if has else _ARRAYS
        if has:
            await pool.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await pool.execute(
            "CREATE TABLE IF NOT EXISTS chunks (id text PRIMARY KEY, source text NOT NULL, text text NOT NULL, "
            f"embedding {dialect.type} NOT NULL)"
        )
        if dialect.index:
            await pool.execute(dialect.index)
        return cls(pool, dialect)

    @property
    def indexed(self) -> bool:
        """Whether this is pgvector's index."""
        return bool(self._dialect.index)

    async def replace(self, source: str, chunks: Sequence[Chunk], vectors: Sequence[Sequence[float]]) -> None:
        """Let a source consist of these chunks from now on, at once for whoever asks."""
        rows = [
            (self._dialect.shown(vector), chunk.id, chunk.source, chunk.text)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        insert = f"INSERT INTO chunks (embedding, id, source, text) VALUES ({self._dialect.given}, $2, $3, $4)"  # noqa: S608
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM chunks WHERE source = $1", source)
            await connection.executemany(insert, rows)

    async def nearest(self, vector: Sequence[float], most: int) -> list[Chunk]:
        """The chunks nearest to a point, the nearest first."""
        rows = await self._pool.fetch(self._query, self._dialect.shown(vector), most)
        return [Chunk(row["id"], row["text"], row["source"]) for row in rows]

    async def explained(self, vector: Sequence[float], most: int) -> str:
        """How the server finds those: by its index, or by looking at every one."""
        rows = await self._pool.fetch(f"EXPLAIN {self._query}", self._dialect.shown(vector), most)
        return "\n".join(row[0] for row in rows)

    @property
    def _query(self) -> str:
        return f"SELECT id, text, source FROM chunks ORDER BY {self._dialect.nearest}, id LIMIT $2"  # noqa: S608

    async def aclose(self) -> None:
        """Close the database."""
        await self._pool.close()
