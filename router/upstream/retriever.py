"""A retriever at work: asked for chunks over the data plane's own connections, in bounded time and size."""

import asyncio

from router.chat import ChatRequest
from router.prompts import Chunk, Context, Unreadable
from router.upstream.client import TransportError
from router.upstream.wire import Wire

__all__ = ["Retriever", "RetrieverError"]

_LARGEST = 1024 * 1024
"""Bytes of an answer."""


class RetrieverError(Exception):
    """No chunks came, for a reason that is a metric's label: `timeout`, or `failed` for anything else."""


class Retriever:
    """One retriever's connections. Its address is the operator's; a redirect is an answer without chunks."""

    def __init__(self, context: Context) -> None:
        headers = {"authorization": f"Bearer {context.api_key}"} if context.api_key else {}
        self._wire = Wire(context.url, headers=headers, connect_timeout=context.timeout, largest=_LARGEST)
        self._asking = 0
        self._idle = asyncio.Event()

    async def ask(self, context: Context, request: ChatRequest, *, within: float) -> tuple[Chunk, ...]:
        """Ask, and wait `within` seconds at most.

        Raises:
            RetrieverError: there is nothing to give.
        """
        self._asking += 1
        try:
            answer = await self._wire.whole(context.question(request), within=within)
            if answer.status != 200:
                raise RetrieverError("failed")
            return context.read(answer.content)
        except TransportError as error:
            raise RetrieverError("timeout" if error.kind == "timeout" else "failed") from error
        except Unreadable as error:
            raise RetrieverError("failed") from error
        finally:
            self._asking -= 1
            if not self._asking:
                self._idle.set()

    async def retire(self) -> None:
        """Close its connections as soon as nobody uses them."""
        while self._asking:
            self._idle.clear()
            await self._idle.wait()
        await self._wire.aclose()
