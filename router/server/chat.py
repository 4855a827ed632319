"""`POST /v1/chat/completions`: bytes in, authenticated, parsed once, answered, closed."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from router import chat
from router.chat import ChatRequest
from router.consider import ANYBODY
from router.errors import Problem, TooLarge
from router.log import say
from router.server.answering import LEAVING
from router.server.caller import identify
from router.server.service import Service
from router.upstream.reply import Reply

__all__ = ["Chat", "ClientLeft", "Leaving", "Parse", "Receive", "Scope", "Send", "read", "respond"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Parse = Callable[[bytes], ChatRequest]
"""Reads a body as a request; raises `Problem`."""

_LAST_WORDS = 1.0
"""Seconds in which a client takes the error of a stream that ran out of time."""


class ClientLeft(Exception):
    """The client closed its connection, or takes nothing of its answer any more."""


class Chat:
    """The endpoint, as plain ASGI."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._service.inflight += 1
        try:
            async with Leaving() as leaving:
                await respond(await self._reply(scope, receive, leaving), send)
        except ClientLeft:
            pass  # counted already, and nobody is there to hear anything
        finally:
            self._service.inflight -= 1

    def _reply(self, scope: Scope, receive: Receive, leaving: "Leaving") -> Awaitable[Reply]:
        """What the client is told, whatever happens; raises only when the client has left."""
        return self._complete(scope, receive, leaving, chat.parse)

    async def _complete(self, scope: Scope, receive: Receive, leaving: "Leaving", parse: Parse) -> Reply:
        pipeline, caller = self._service.pipeline, ANYBODY
        try:
            caller = identify(scope, self._service.keyring)
            self._service.admit()
            request = parse(await read(scope, receive, pipeline.plan.max_body))
            scope["extensions"][LEAVING](leaving)
            return await pipeline.complete(request, caller)
        except Problem as told:
            return pipeline.refuse(told, caller)
        except ClientLeft:
            pipeline.left(caller)
            raise
        except Exception:  # noqa: BLE001  the last line of defence: a fault of ours is told, counted, and ends one request
            say(f"internal error: {traceback.format_exc()}")
            return pipeline.refuse(Problem("internal error; the server's log says more", code="internal_error"), caller)


async def read(scope: Scope, receive: Receive, most: int) -> bytes:
    """Read a request's body.

    Raises:
        TooLarge: it is longer than `most` bytes.
        ClientLeft: the client left before it was whole.
    """
    length = dict(scope["headers"]).get(b"content-length", b"")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        return body
    parts, size = [], 0
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise ClientLeft


def _too_large(most: int) -> TooLarge:
    """The connection stays open: closed before its client has sent everything, it would take this answer with it."""
    return TooLarge(f"the request's body is larger than the {most} bytes that this policy's server.max_body allows")


async def respond(reply: Reply, send: Send) -> None:
    """Send a reply, and close it whatever happens."""
    left = True
    try:
        if reply.streams:
            await _stream(reply, send)
        else:
            length = (b"content-length", b"%d" % len(reply.body))
            await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
            await send({"type": "http.response.body", "body": reply.body})
        left = False
    finally:
        await reply.aclose(left=left)


async def _stream(reply: Reply, send: Send) -> None:
    """Send a stream; a client that takes nothing of it any more has left when the stream would have to be over.

    Raises:
        ClientLeft: it did.
    """
    try:
        async with asyncio.timeout(reply.patience + _LAST_WORDS):
            await _send_events(reply, send)
    except TimeoutError as error:
        raise ClientLeft from error


async def _send_events(reply: Reply, send: Send) -> None:
    headers = [*reply.headers, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async for part in reply.events():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Leaving:
    """Surrounds a request, and cancels it when its client leaves before it is answered."""

    __slots__ = ("_left", "_request")

    def __init__(self) -> None:
        self._request = asyncio.current_task()
        self._left = False

    def __call__(self) -> None:
        """The client has left."""
        if self._request is not None and not self._left:
            self._left = True
            self._request.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        request, self._request = self._request, None  # or task, frame and this would hold on to each other
        if not self._left or request is None:
            return False
        if error is None:  # it left as the last byte went: the cancellation is still to come, and is taken here
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        request.uncancel()
        return error is None or isinstance(error, asyncio.CancelledError)
