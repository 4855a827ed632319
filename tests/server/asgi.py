"""An ASGI server reduced to its messages: what goes in, what comes out, and when the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from router.server.answering import LEAVING

__all__ = ["Exchange", "scope_of"]

Message = MutableMapping[str, Any]
App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def scope_of(path: str, method: str = "POST", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a server knows of a request before its body."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": pairs,
    }


class Exchange:
    """One request and its answer; `left` is for the client to set."""

    def __init__(self, scope: dict[str, Any], body: Iterable[bytes] = (b"",)) -> None:
        self.scope = {**scope, "extensions": {LEAVING: self.tell}}
        parts = list(body)
        self._coming: list[Message] = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        self.left = asyncio.Event()
        self.sent: list[Message] = []
        self.first = asyncio.Event()
        """Something of the answer has been sent."""

    def tell(self, told: Callable[[], None]) -> None:
        """Call `told` when the client has left."""
        leaving = asyncio.ensure_future(self.left.wait())
        leaving.add_done_callback(lambda _: told())
        self._telling = leaving

    async def receive(self) -> Message:
        if self._coming:
            return self._coming.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.first.set()

    async def over(self, app: App) -> "Exchange":
        """Let the application answer."""
        async with asyncio.timeout(10):
            await app(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])
