"""The store that several servers share: Redis or Valkey, alone, behind Sentinels, or as a cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Protocol

from typing_extensions import override

from router.policy.store_url import StoreUrl
from router.store import scripts
from router.store.call import Call, pack
from router.store.cluster import Cluster
from router.store.dialing import Dial, to_host, to_master, to_socket
from router.store.keys import PREFIX, Flight
from router.store.link import DEADLINE, Link
from router.store.protocol import Claim, Heard, Meanwhile, StoreDown
from router.store.scripts import Script

__all__ = ["RedisStore"]

_MOST_KEPT = 128
"""Values that one command keeps at most: some 100 µs in which Redis does nothing else."""
_FULL = ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "NOPERM")


class _Way(Protocol):
    """How a command reaches the server that keeps a key."""

    @property
    def links(self) -> Sequence[Link]: ...

    @property
    def up(self) -> bool: ...

    async def begin(self) -> None: ...

    def ask(self, key: str, call: Call) -> None: ...

    def listen(self, channel: bytes) -> None: ...

    def leave(self, channel: bytes) -> None: ...

    async def aclose(self) -> None: ...


class _Alone:
    """The way when there is one server for everything."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.links = (link,)

    @property
    def up(self) -> bool:
        return self._link.up

    async def begin(self) -> None:
        await self._link.begin()

    def ask(self, key: str, call: Call) -> None:  # noqa: ARG002  whatever the key
        self._link.ask(call)

    def listen(self, channel: bytes) -> None:
        self._link.listen(channel)

    def leave(self, channel: bytes) -> None:
        self._link.leave(channel)

    async def aclose(self) -> None:
        await self._link.aclose()


class _Keep(Call):
    """Values that are in no hurry, as one command: for Redis and for us it costs a fraction of a command for each."""

    __slots__ = ("_keys", "_values", "closed", "ttl")

    def __init__(self, ttl: float | None) -> None:
        super().__init__(self._sent, None, hurried=False)
        self.ttl = ttl
        self.closed = False
        """Whether it is too late for another value."""
        self._keys: list[str] = []
        self._values: list[bytes] = []

    def add(self, key: str, value: bytes) -> None:
        """Let a value go along."""
        self._keys.append(key)
        self._values.append(value)
        self.closed = self.closed or len(self._keys) == _MOST_KEPT

    def _sent(self) -> bytes:
        keys = tuple(self._keys)
        given: tuple[str | bytes, ...] = (_ms(self.ttl), *self._values)
        packed = _evaluate("EVALSHA", scripts.KEEP.sha, keys, given)
        self._close(packed)
        self.text = partial(_evaluate, "EVAL", scripts.KEEP.text, keys, given)
        return packed

    def _close(self, packed: bytes) -> None:
        self.closed = True
        self.packed = packed  # what makes it would hold on to this, and this to it

    @override
    def fail(self, why: str) -> None:
        self._close(b"")
        super().fail(why)


class RedisStore:
    """What servers share, on a server of its own; connects when first used."""

    shared = True

    def __init__(
        self,
        url: StoreUrl,
        say: Callable[[str], None] | None = None,
        *,
        closing: Callable[[], None] | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """`say` hears, in a sentence, when the server is lost and when it is back; `closing` is called at the end."""
        self._deadline = deadline
        self._closing = closing
        self._url = url
        self._say = say or (lambda _: None)
        self._listening: dict[bytes, list[Heard]] = {}
        self._made: _Way | None = None
        self._keep: _Keep | None = None

    @property
    def up(self) -> bool:
        """Whether the server answers, and takes what is written."""
        return self._made is None or self._made.up

    async def begin(self) -> None:
        """Connect, for a second at most: whoever comes first finds a connection, or knows that there is none."""
        await self._way().begin()

    async def get(self, key: str) -> bytes | None:
        """The value of a key, None when there is none."""
        value: bytes | None = await self._ask(key, "GET", key, writes=False)
        return value

    async def set(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value."""
        await self._ask(key, "SET", key, value, *_px(ttl))

    async def add(self, key: str, value: bytes, ttl: float | None) -> bool:
        """Keep a value unless there is one; whether it was kept."""
        return await self._ask(key, "SET", key, value, *_px(ttl), "NX") is not None

    async def swap(self, key: str, before: bytes | None, after: bytes, ttl: float | None) -> bool:
        """Replace a value only while it is `before` (None: while there is none); whether it was replaced."""
        wanted = (b"0", b"") if before is None else (b"1", before)
        return bool(await self._run(scripts.SWAP, (key,), *wanted, after, _ms(ttl)) == 1)

    async def renew(self, key: str, value: bytes, ttl: float) -> bool:
        """Let a key stay for another `ttl`, only while it holds `value`; whether it does."""
        return bool(await self._run(scripts.RENEW, (key,), value, _ms(ttl)) == 1)

    async def release(self, key: str, value: bytes) -> bool:
        """Remove a key, only while it holds `value`; whether it did."""
        return bool(await self._run(scripts.RELEASE, (key,), value) == 1)

    async def delete(self, *keys: str) -> None:
        """Remove keys."""
        for call in [self._ask(key, "UNLINK", key) for key in keys]:
            await call

    def put(self, key: str, value: bytes, ttl: float | None, *, hurried: bool = False) -> None:
        """Keep a value without waiting for it; it is lost when the store is down."""
        if hurried or self._url.kind == "cluster":
            self._way().ask(key, Call(pack(("SET", key, value, *_px(ttl))), None, hurried=hurried))
            return
        keep = self._keep
        if keep is None or keep.closed or keep.ttl != ttl:
            keep = self._keep = _Keep(ttl)
            self._way().ask(key, keep)
        keep.add(key, value)

    async def claim(
        self, flight: Flight, owner: bytes, lease: float, after: bytes = b"", meanwhile: Meanwhile | None = None
    ) -> Claim:
        """Ask for an answer, or for the right to make it."""
        answer = asyncio.get_running_loop().create_future()
        call = _call(scripts.CLAIM, flight, (owner, _ms(lease), after), answer)
        call.meanwhile = meanwhile
        self._way().ask(flight.answer, call)
        try:
            said = await answer
        except StoreDown as error:
            if not str(error).startswith(_FULL):
                raise
            return Claim(await self.get(flight.answer))  # it reads: whoever finds nothing asks for themselves
        match said:
            case bytes():
                return Claim(said)
            case [bytes() as holder]:
                return Claim(holder=holder)
            case _:
                return Claim()

    def extend(self, flight: Flight, owner: bytes, lease: float) -> None:
        """Go on holding a flight."""
        self._way().ask(flight.lock, _call(scripts.EXTEND, (flight.lock,), (owner, _ms(lease)), None))

    def settle(self, flight: Flight, owner: bytes, value: Callable[[], bytes], ttl: float | None) -> None:
        """End a flight and wake those who joined it."""
        call = Call(
            lambda: _evaluate("EVALSHA", scripts.SETTLE.sha, flight, (owner, value(), _ms(ttl))),
            None,
            lambda: _evaluate("EVAL", scripts.SETTLE.text, flight, (owner, value(), _ms(ttl))),
            writes=ttl is not None,  # if the script came to its end
        )
        self._way().ask(flight.answer, call)

    def charge(
        self,
        account: str,
        given: Sequence[str],
        ttl: float,
        *,
        hurried: bool = True,
        meanwhile: Meanwhile | None = None,
    ) -> "asyncio.Future[bytes]":
        """Take from an account, or tell it what was used, in one step and on the server's clock."""
        future = asyncio.get_running_loop().create_future()
        call = _call(scripts.CHARGE, (account,), (*given, _ms(ttl)), future)
        call.hurried, call.meanwhile = hurried, meanwhile
        self._way().ask(account, call)
        return future

    async def publish(self, channel: str, value: bytes) -> None:
        """Tell every subscriber, in every process."""
        await self._ask(channel, "PUBLISH", channel, value, writes=False)

    def subscribe(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published from now on; gives what ends it."""
        name = channel.encode()
        listening = self._listening.setdefault(name, [])
        listening.append(heard)
        if len(listening) == 1:
            self._way().listen(name)
        return lambda: self._leave(name, heard)

    async def walk(self, kind: str, head: int) -> AsyncIterator[tuple[str, int, bytes]]:
        """Every key of a kind, with the size of its value and its first `head` bytes; for operators, not for requests.

        Raises:
            StoreDown: the server did not answer.
        """
        for link in self._way().links:
            cursor = b"0"
            while True:
                scan = ("SCAN", cursor, "MATCH", f"{PREFIX}{kind}:*", "COUNT", "500")
                cursor, names = await _told(link, *scan)
                sizes = [_told(link, "STRLEN", name) for name in names]
                heads = [_told(link, "GETRANGE", name, "0", str(head - 1)) for name in names]
                found = await asyncio.gather(*sizes, *heads, return_exceptions=True)
                for name, size, value in zip(names, found[: len(names)], found[len(names) :], strict=True):
                    if isinstance(size, int) and isinstance(value, bytes):  # not of another type
                        yield name.decode(), size, value
                if cursor == b"0":
                    break

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self._made is not None:
            await self._made.aclose()
        if self._closing is not None:
            await asyncio.to_thread(self._closing)

    # ----------------------------------------------------------------------------------------------------- commands

    def _ask(self, key: str, *command: str | bytes, writes: bool = True) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._way().ask(key, Call(pack(command), future, writes=writes))
        return future

    def _run(self, script: Script, keys: tuple[str, ...], *given: str | bytes) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._way().ask(keys[0], _call(script, keys, given, future))
        return future

    def _way(self) -> _Way:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> _Way:
        url = self._url
        match url.kind:
            case "cluster":
                return Cluster(url, say=self._say, heard=self._hear, deadline=self._deadline)
            case "sentinel":
                dial: Dial = to_master(url)
            case "unix":
                dial = to_socket(url)
            case _:
                dial = to_host(url, *url.hosts[0])
        return _Alone(Link(dial, say=self._say, heard=self._hear, deadline=self._deadline))

    # ----------------------------------------------------------------------------------------------------- messages

    def _hear(self, channel: bytes, message: bytes | None) -> None:
        for heard in tuple(self._listening.get(channel, ())):
            heard(message)

    def _leave(self, channel: bytes, heard: Heard) -> None:
        listening = self._listening.get(channel, [])
        if heard in listening:
            listening.remove(heard)
            if not listening:
                del self._listening[channel]
                self._way().leave(channel)


def _told(link: Link, *command: str | bytes) -> "asyncio.Future[Any]":
    """Ask one server, whoever keeps what."""
    future = asyncio.get_running_loop().create_future()
    link.ask(Call(pack(command), future, writes=False))
    return future


def _call(
    script: Script, keys: tuple[str, ...], given: tuple[str | bytes, ...], future: "asyncio.Future[Any] | None"
) -> Call:
    return Call(
        _evaluate("EVALSHA", script.sha, keys, given),
        future,
        lambda: _evaluate("EVAL", script.text, keys, given),
        writes=False,
    )


def _evaluate(command: str, script: str, keys: tuple[str, ...], given: tuple[str | bytes, ...]) -> bytes:
    return pack((command, script, str(len(keys)), *keys, *given))


@lru_cache(64)
def _ms(ttl: float | None) -> str:
    """Whole milliseconds, at least one; no text at all for what stays."""
    return "" if ttl is None else str(max(1, round(ttl * 1000)))


def _px(ttl: float | None) -> tuple[str, ...]:
    return () if ttl is None else ("PX", _ms(ttl))
