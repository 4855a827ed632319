"""The endpoints that ask for a chat completion in another dialect: chat's own, with a translator at both ends."""

import traceback
from collections.abc import AsyncIterator
from typing import Any

import orjson
from typing_extensions import override

from router.chat import ChatRequest
from router.dialects import Dialect, Exchange, Telling
from router.errors import Problem
from router.log import say
from router.server.chat import Chat, Leaving, Receive, Scope
from router.server.service import Service
from router.sse import Splitter
from router.upstream.reply import Reply

__all__ = ["Translated"]

_FAULT = Problem("internal error; the server's log says more", code="internal_error")


class Translated(Chat):
    """The endpoint of one dialect, as plain ASGI."""

    def __init__(self, service: Service, dialect: Dialect, *, named_in: bytes | None = None) -> None:
        """`named_in`: the header in which the dialect's clients look for a request's id, beside our own."""
        super().__init__(service)
        self._dialect = dialect
        self._named_in = named_in

    @override
    async def _reply(self, scope: Scope, receive: Receive, leaving: Leaving) -> Reply:
        exchange: Exchange | None = None

        def parse(raw: bytes) -> ChatRequest:
            nonlocal exchange
            exchange = self._dialect.read(raw)
            return exchange.request

        given = await self._complete(scope, receive, leaving, parse)
        try:
            told = _Told(given, self._dialect, exchange)
        except BaseException:
            await given.aclose(left=True)  # or nobody would count it, nor give its places back
            raise
        if self._named_in is not None:
            told.headers = [*told.headers, (self._named_in, told.id.encode())]  # the list is the reply's own
        return told


class _Told(Reply):
    """A reply in a dialect: status and headers stay, the rest is translated."""

    __slots__ = ("_exchange", "_given")

    def __init__(self, given: Reply, dialect: Dialect, exchange: Exchange | None) -> None:
        """`exchange` is None where the request could not be read: there is an error to tell, and nothing else."""
        self._given = given
        self._exchange = exchange
        self.status, self.headers, self.body = given.status, given.headers, b""
        if not given.streams:
            rest = [header for header in given.headers if header[0] != b"content-type"]
            self.headers = [(b"content-type", b"application/json"), *rest]
            self.body = self._whole(dialect)

    def _whole(self, dialect: Dialect) -> bytes:
        """The answer, or the error that it came to."""
        said = self._given.body
        if self.status == 200 and self._exchange is not None:
            try:
                return orjson.dumps(self._exchange.whole(orjson.loads(said)))
            except Exception:  # noqa: BLE001  a fault of ours is told, as any other
                say(f"internal error: {traceback.format_exc()}")
                self._given.fault()
                self.status, said = _FAULT.status, _FAULT.body()
        return orjson.dumps(dialect.problem(self.status, _error(said), self.id))

    @property
    def id(self) -> str:
        """The request's."""
        return dict(self.headers).get(b"x-request-id", b"").decode()

    @property
    @override
    def streams(self) -> bool:
        return self._given.streams

    @property
    @override
    def patience(self) -> float:
        return self._given.patience

    @override
    async def events(self) -> AsyncIterator[bytes]:
        if self._exchange is None:
            return
        telling = self._exchange.stream()
        splitter = Splitter()
        async for part in self._given.events():
            told: list[bytes] = []
            try:
                for _, data in splitter.feed(part):
                    told.append(_tell(telling, data))
            except Exception:
                self._given.fault()
                yield b"".join([*told, telling.broken(_error(_FAULT.body()))])
                raise
            if any(told):
                yield b"".join(told)

    @override
    async def aclose(self, *, left: bool = False) -> None:
        await self._given.aclose(left=left)


def _tell(telling: Telling, data: bytes | None) -> bytes:
    """Tell one event of a chat completion's stream."""
    if data is None:
        return telling.comment()
    if data == b"[DONE]":
        return telling.end()
    chunk = orjson.loads(data)
    return telling.broken(_error(data)) if chunk.get("error") else telling.chunk(chunk)


def _error(body: bytes) -> dict[str, Any]:
    """OpenAI's error object, whatever an upstream has made of it; what else is in there is not told."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    error = said.get("error", said) if isinstance(said, dict) else None  # vLLM had no envelope, once
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return {name: _plain(error.get(name)) for name in ("message", "type", "param", "code")}
    message = error if isinstance(error, str) else "the upstream failed, and did not say why"
    return {"message": message, "type": "upstream_error", "param": None, "code": None}


def _plain(value: object) -> str | int | None:
    return value if isinstance(value, str | int) else None
