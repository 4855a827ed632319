"""The seam to deployments over HTTP/1.1, on the event loop itself: no thread, no task and no copy for a request.

Why a client of our own: a call to a client on another thread costs more than everything else the proxy does, and
closing a connection is how an upstream learns that nobody waits for its answer any more, which must be exact.
docs/decisions/0002-data-plane-client.md has the measurements.
"""

import asyncio
import math
import re
import ssl
from collections import deque
from collections.abc import Coroutine, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import certifi

from router import __version__
from router.upstream.client import TRACEPARENT, TransportError
from router.upstream.connection import Connection, UndeliveredError
from router.upstream.inflate import Inflate, coded

__all__ = ["Wire", "trust"]

_LARGEST = 64 * 1024 * 1024
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = b"content-length: "
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})


class _Whole:
    """An answer that has arrived."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content


class _Streamed:
    """An answer that is arriving. Read to its end, its connection serves again; left or cancelled before, it is closed.

    Reading on after that raises a TransportError, lest a part be taken for the whole.
    The end of a body may come a moment after its last event: who reads until there is no more saves a connection.
    """

    __slots__ = ("_complete", "_connection", "_inflate", "_time", "_wire", "headers", "status")

    def __init__(self, connection: Connection, wire: "Wire") -> None:
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self._wire = wire
        self._connection: Connection | None = connection
        self._complete = False
        self._inflate = Inflate() if coded(connection.headers) else None
        self._time = asyncio.get_running_loop().time

    def more(self, within: float) -> Coroutine[Any, Any, bytes]:
        """Give all of the body that is here, or what comes within so many seconds; empty at its end."""
        until = self._time() + within
        return self._piece(until) if self._inflate is None else self._inflated(self._inflate, until)

    async def aclose(self) -> None:
        """End it."""
        self._let_go()

    async def _piece(self, until: float) -> bytes:
        connection = self._connection
        if connection is None:
            if self._complete:
                return b""
            raise TransportError("reset", "the answer was left before its end")
        try:
            piece = await connection.piece(until)
        except BaseException:
            self._let_go()
            raise
        if connection.ended:
            self._complete = True
            self._let_go()
        return piece

    async def _inflated(self, inflate: Inflate, until: float) -> bytes:
        try:
            while not (plain := inflate.take()):
                if not (piece := await self._piece(until)):
                    inflate.finish()
                    return b""
                inflate.feed(piece)
        except TransportError:
            self._let_go()
            raise
        return plain

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._wire.release(connection)


class Wire:
    """One deployment's endpoint: `url` is where requests are posted, `headers` go with each of them.

    Connections are opened as they are needed, in any number (the caller limits how many calls there are at once), and
    the one used last is used next; one that nobody needed for `keep_idle` seconds is closed.

    **A request is sent again, once and on a fresh connection, in one case:** a connection that had served before was
    closed by the server before the request had reached it, as servers do with idle ones. RFC 9110 (9.2.2) lets a client
    repeat a POST by itself if it can detect that the first was not applied, and that is what is detected: closing
    acknowledges all that came before it, so a request that is not acknowledged by then came too late. Whatever else
    ends a call, a reset or a close after the request was received, may have cost the deployment its work, and is the
    caller's to judge and to count. So no call is received twice. (Only Linux tells what is acknowledged; elsewhere
    nothing is sent again.)

    Connecting may take `connect_timeout` seconds, TLS included (its kind is `connect`), and a whole answer as long as
    its caller says; who reads a stream says so each time. Redirects are answers like others. A body compressed with
    gzip or deflate is inflated. A whole answer has at most `largest` bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        connect_timeout: float,
        tls: ssl.SSLContext | None = None,
        keep_idle: float = 60.0,
        largest: int = _LARGEST,
    ) -> None:
        """Make ready; connects nowhere yet.

        Raises:
            ValueError: the URL or a header cannot be sent.
        """
        self._host, self._port, encrypted, self._head = _address(url, headers)
        self._tls = (tls or _trusted()) if encrypted else None
        self._peer = f"{self._host}:{self._port}"
        self._connect_timeout = connect_timeout
        self._keep_idle = keep_idle
        self._largest = largest
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alive: set[Connection] = set()
        self._idle: deque[tuple[float, Connection]] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    async def whole(self, body: bytes, *, within: float = math.inf) -> _Whole:
        """Send a request, wait for its whole answer, `within` seconds. Raises TransportError."""
        connection = await self._ask(body, self._largest, within)
        status, headers, content = connection.status, connection.headers, connection.take()
        self.release(connection)
        if coded(headers):
            content = self._inflated(content)
        return _Whole(status, headers, content)

    async def streamed(self, body: bytes, *, within: float = math.inf) -> _Streamed:
        """Send a request, wait for the head of its answer, `within` seconds. Raises TransportError."""
        connection = await self._ask(body, None, within)
        try:
            return _Streamed(connection, self)
        except TransportError:
            connection.abort()
            raise

    async def aclose(self) -> None:
        """Close every connection. A call that comes later opens new ones."""
        if self._loop is asyncio.get_running_loop():
            connections = list(self._alive)
            for connection in connections:
                connection.abort()
            for connection in connections:
                await connection.lost()
            if self._sweep is not None:
                self._sweep.cancel()
        self._forget()

    def release(self, connection: Connection) -> None:
        """Take back a connection whose answer nobody reads any more."""
        if connection.rest() and self._loop is not None:
            now = self._loop.time()
            self._idle.append((now, connection))
            if self._sweep is None:
                self._sweep = self._loop.call_at(now + self._keep_idle, self._close_idle, self._loop)

    async def _ask(self, body: bytes, largest: int | None, within: float) -> Connection:
        loop = self._loop
        if loop is None or not loop.is_running():
            self._forget()
            loop = self._loop = asyncio.get_running_loop()
        until = loop.time() + within
        while self._idle:
            since, connection = self._idle.pop()
            if connection.usable:
                try:
                    await connection.ask(self._traced(), body, largest=largest, until=until)
                    return connection
                except UndeliveredError:
                    self._close_idle_since(since)  # what has been idle for longer is no better
                    break
        connection = await self._connect(loop, until)
        await connection.ask(self._traced(), body, largest=largest, until=until)
        return connection

    def _traced(self) -> bytes:
        """What goes before a body, with the trace that this call belongs to."""
        trace = TRACEPARENT.get()
        return b"%btraceparent: %b\r\n%b" % (self._head[: -len(_LENGTH)], trace, _LENGTH) if trace else self._head

    async def _connect(self, loop: asyncio.AbstractEventLoop, until: float) -> Connection:
        name = self._host if self._tls else None
        connection = Connection(self._peer, self._alive)
        allowed = loop.time() + self._connect_timeout
        try:
            async with asyncio.timeout_at(min(allowed, until)):
                await loop.create_connection(
                    lambda: connection,
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=name,
                )
        except TimeoutError as error:
            connection.discard()
            if until < allowed and loop.time() >= until:
                raise TransportError("timeout", f"{self._peer} could not be reached in time") from error
            message = f"{self._peer} could not be reached within {self._connect_timeout:g} s"
            raise TransportError("connect", message) from error
        except (OSError, UnicodeError) as error:  # refused, unreachable, unknown, not trusted
            raise TransportError("connect", f"{self._peer} could not be reached: {error}") from error
        except asyncio.CancelledError:
            connection.discard()
            raise
        return connection

    def _close_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what nobody needed for a while; look again when the next one is due."""
        self._sweep = None
        self._close_idle_since(loop.time() - self._keep_idle)
        if self._idle:
            self._sweep = loop.call_at(self._idle[0][0] + self._keep_idle, self._close_idle, loop)

    def _close_idle_since(self, then: float) -> None:
        while self._idle and self._idle[0][0] <= then:
            self._idle.popleft()[1].abort()

    def _forget(self) -> None:
        """Begin again without connections: they are closed, or went with the event loop that they were on."""
        self._alive = set()
        self._idle = deque()
        self._sweep = None

    def _inflated(self, content: bytes) -> bytes:
        inflate = Inflate()
        inflate.feed(content)
        plain = inflate.take(self._largest)
        if len(plain) == self._largest:
            raise TransportError("malformed", f"{self._peer} sent more than {self._largest} bytes")
        inflate.finish()
        return plain


def trust() -> ssl.SSLContext:
    """Whom to trust: the machine's authorities (or SSL_CERT_FILE's), on a machine without any those of certifi."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not (paths.capath and any(Path(paths.capath).iterdir())):
        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


@cache
def _trusted() -> ssl.SSLContext:
    return trust()  # reads a hundred certificates: once is enough


def _address(url: str, headers: Mapping[str, str]) -> tuple[str, int, bool, bytes]:
    """Where to connect, whether with TLS, and what every request begins with, up to the length of its body."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError(f"'{url}' is not where requests can go; http://HOST:PORT/PATH or https://… is")
    host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    authority = f"[{host}]" if ":" in host else host.encode("idna").decode()
    if port != _PORTS[parts.scheme]:
        authority += f":{port}"
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
        f"?{quote(parts.query, safe='/%?:@!$&()*+,;=~')}" if parts.query else ""
    )
    sent = {
        "host": authority,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": f"smallfirst/{__version__}",
        **{name.lower(): value for name, value in headers.items()},
    }
    for name, value in sent.items():
        if name in _OURS or not _NAME.fullmatch(name):
            raise ValueError(f"header '{name}' cannot be set")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"header '{name}' has a value that cannot be sent: only printable ASCII can")
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), _LENGTH.decode()]
    return host, port, parts.scheme == "https", "\r\n".join(lines).encode()
