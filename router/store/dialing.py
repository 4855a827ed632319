"""How a connection to Redis is made: redis-py opens, greets and authenticates it, and finds the master."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from router.policy.store_url import StoreUrl
from router.store.link import Wire

__all__ = ["Dial", "to_host", "to_master", "to_socket"]

Dial = Callable[[], Awaitable[Wire]]

_PATIENCE = 1.0
"""Seconds for each step of a greeting."""
_SENTINEL_PATIENCE = 0.25
"""Seconds for each step of asking a Sentinel: one that is gone has a colleague."""


def to_socket(url: StoreUrl) -> Dial:
    """Connect to a unix socket."""
    return lambda: _open(f"unix://{_login(url)}{quote(url.path)}", url)


def to_host(url: StoreUrl, host: str, port: int) -> Dial:
    """Connect to one server, which `url` says how to greet."""
    return lambda: _open(_address(url, host, port), url)


def to_master(url: StoreUrl) -> Dial:
    """Ask the Sentinels who the master is, each time anew, and connect to it."""
    return lambda: _to_master(url)


async def _to_master(url: StoreUrl) -> Wire:
    sentinels: Any = Sentinel([])  # type: ignore[no-untyped-call]  # redis-py's own
    sentinels.sentinels = [_sentinel(url, host, port) for host, port in url.hosts]
    try:
        host, port = await sentinels.discover_master(url.master)
    except RedisError as error:
        raise OSError(f"no Sentinel knows a master named '{url.master}': {_told(error, url)}") from error
    finally:
        for sentinel in sentinels.sentinels:
            await sentinel.aclose()
    return await _open(_address(url, host, port), url)


def _sentinel(url: StoreUrl, host: str, port: int) -> Redis:
    return Redis.from_url(
        _address(url, host, port, login="", database=0),
        username=url.options.get("sentinel_username"),
        password=url.options.get("sentinel_password"),
        socket_timeout=_SENTINEL_PATIENCE,
        socket_connect_timeout=_SENTINEL_PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )


def _login(url: StoreUrl) -> str:
    if url.user is None and url.password is None:
        return ""
    return f"{quote(url.user or '', safe='')}:{quote(url.password or '', safe='')}@"


def _address(url: StoreUrl, host: str, port: int, *, login: str | None = None, database: int | None = None) -> str:
    """One server's address, as redis-py reads it."""
    scheme = "rediss" if url.tls else "redis"
    name = f"[{host}]" if ":" in host else host
    number = url.database if database is None else database
    query = f"?{url.tls_query()}" if url.tls else ""
    return f"{scheme}://{_login(url) if login is None else login}{name}:{port}/{number}{query}"


async def _open(address: str, url: StoreUrl) -> Wire:
    """Make a connection and take it over from redis-py, whose own way of using one costs several times as much.

    Raises:
        OSError: it cannot be made; the sentence never holds a password.
    """
    given: dict[str, Any] = dict(parse_url(address))
    kind = given.pop("connection_class", Connection)
    connection: AbstractConnection = kind(
        **given,
        protocol=3,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    opened = cast("Any", connection)  # half of redis-py has no types
    try:
        await opened.connect()
    except RedisError as error:
        raise OSError(_told(error, url)) from error
    transport: asyncio.Transport = opened._writer.transport  # noqa: SLF001  all of it that we need
    before = transport.get_protocol()

    def let_go() -> None:
        before.connection_lost(None)
        opened._close()  # noqa: SLF001  at once, without waiting for what is closed already

    return Wire(transport, let_go)


def _told(error: Exception, url: StoreUrl) -> str:
    """What went wrong, never with a password in it."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in (url.password, url.options.get("sentinel_password")):
        text = text.replace(secret, "…") if secret else text
    return text
