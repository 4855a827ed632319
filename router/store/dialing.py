"""How a connection to Redis is made: opened, over TLS or through a socket, greeted, and where the master is."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import hiredis
from typing_extensions import override

from router.policy.store_url import StoreUrl
from router.store.link import Wire, pack

__all__ = ["Dial", "to_host", "to_master", "to_socket"]

Dial = Callable[[], Awaitable[Wire]]

_PATIENCE: Final = 1.0
"""Seconds for each step of a greeting."""
_SENTINEL_PATIENCE: Final = 0.25
"""Seconds for each step of asking a Sentinel: one that is gone has a colleague."""
_NOT_YET: Final = object()
_NO: Final = frozenset({"0", "f", "false", "n", "no"})
_CHECKS: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_DOWN: Final = frozenset({"s_down", "o_down"})


def to_socket(url: StoreUrl) -> Dial:
    """Connect to a unix socket."""
    return lambda: _to_server(url, None)


def to_host(url: StoreUrl, host: str, port: int) -> Dial:
    """Connect to one server, which `url` says how to greet."""
    return lambda: _to_server(url, (host, port))


def to_master(url: StoreUrl) -> Dial:
    """Ask the Sentinels who the master is, each time anew, and connect to it."""
    return lambda: _to_master(url)


async def _to_server(url: StoreUrl, place: tuple[str, int] | None) -> Wire:
    """Open, greet, and hand over.

    Raises:
        OSError: it cannot be done; the sentence never holds a password.
    """
    greeting = await _opened(url, place, _PATIENCE)
    login = ("AUTH", url.user or "default", url.password or "") if url.user or url.password else ()
    try:
        await greeting.ask("HELLO", "3", *login)
        if url.database:
            await greeting.ask("SELECT", str(url.database))
    except OSError as error:
        greeting.transport.abort()
        raise OSError(_told(error, url)) from error
    return Wire(greeting.transport, lambda: None)


async def _to_master(url: StoreUrl) -> Wire:
    told: OSError | None = None
    for place in url.hosts:
        try:
            return await _to_server(url, await _named_by(url, place))
        except OSError as error:
            told = error
    raise told or OSError(f"no Sentinel knows a master named '{url.master}'")


async def _named_by(url: StoreUrl, place: tuple[str, int]) -> tuple[str, int]:
    """Ask one Sentinel where the master is.

    Raises:
        OSError: it cannot be asked, does not know the master, or sees it down.
    """
    user, password = (url.options.get(f"sentinel_{name}") for name in ("username", "password"))
    try:
        greeting = await _opened(url, place, _SENTINEL_PATIENCE)
        try:
            if password is not None:
                await greeting.ask("AUTH", *([user] if user else []), password)
            said = await greeting.ask("SENTINEL", "MASTER", url.master)
        finally:
            greeting.transport.abort()
        return _place_of(said)
    except (OSError, KeyError, ValueError) as error:
        raise OSError(f"no Sentinel knows a master named '{url.master}': {_told(error, url)}") from error


def _place_of(said: list[bytes]) -> tuple[str, int]:
    """Where a master is, from what a Sentinel says of it: names and values in turns."""
    words = [each.decode(errors="replace") for each in said]
    master = dict(zip(words[::2], words[1::2], strict=True))
    if not _DOWN.isdisjoint(master["flags"].split(",")):
        raise OSError("it is seen down")
    return master["ip"], int(master["port"])


async def _opened(url: StoreUrl, place: tuple[str, int] | None, patience: float) -> "_Greeting":
    """Open a connection to a host and port, or through the socket that `url` names.

    Raises:
        OSError: nobody is there, or the certificate is not good.
    """
    loop, where = asyncio.get_running_loop(), f"{place[0]}:{place[1]}" if place else url.path
    try:
        async with asyncio.timeout(patience):
            if place is None:
                _, greeting = await loop.create_unix_connection(lambda: _Greeting(patience), url.path)
            else:
                tls = _checked(url.options) if url.tls else None
                _, greeting = await loop.create_connection(lambda: _Greeting(patience), *place, ssl=tls)
    except (OSError, ValueError) as error:
        raise OSError(f"{where}: {_told(error, url) if str(error) else 'no connection in time'}") from error
    return greeting


def _checked(options: Mapping[str, str]) -> ssl.SSLContext:
    """How TLS checks who is there, and says who we are."""
    context = ssl.create_default_context()
    mode = _CHECKS.get(options.get("ssl_cert_reqs", "").lower(), ssl.CERT_REQUIRED)
    named = options.get("ssl_check_hostname", "true").lower() not in _NO
    context.check_hostname = named and mode is not ssl.CERT_NONE
    context.verify_mode = mode
    if authorities := options.get("ssl_ca_certs"):
        context.load_verify_locations(authorities)
    if certificate := options.get("ssl_certfile"):
        context.load_cert_chain(certificate, options.get("ssl_keyfile"))
    return context


class _Greeting(asyncio.Protocol):
    """A connection on which one thing is asked after the other, until it is handed over."""

    transport: asyncio.Transport

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def ask(self, *command: str) -> Any:
        """Ask, and wait for the answer.

        Raises:
            OSError: it says no, or nothing in time.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(pack(command))
        try:
            async with asyncio.timeout(self._patience):
                return await self._answer
        except TimeoutError as error:
            raise OSError(f"no answer to {command[0]} in time") from error

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        reply = self._reader.gets()
        if reply is _NOT_YET or self._answer.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            self._answer.set_exception(OSError(str(reply)))
        else:
            self._answer.set_result(reply)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(OSError("the connection was closed"))
            self._answer.exception()  # heard, whoever else asks


def _told(error: Exception, url: StoreUrl) -> str:
    """What went wrong, never with a password in it."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in (url.password, url.options.get("sentinel_password")):
        text = text.replace(secret, "…") if secret else text
    return text
