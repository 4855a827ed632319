"""A load generator: connections that ask again as soon as they are answered, or at a rate, and what they saw.

``python -m bench.load URL '{"connections": 50, "seconds": 2}'`` prints one JSON document; the fields are those of
`Found`. It is one process of Python: what it reaches against the mock deployment itself is its own limit. No request is
like one of an earlier run, in this process or another: nothing that the proxy or its Redis still knows answers it.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import uvloop
from typing_extensions import override

from bench import workload
from bench.processes import pinned
from router.sse import Splitter

__all__ = ["AT", "Found", "Load", "Tokens", "drive", "loaded", "percentile"]

AT = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Percentiles that are told."""
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """Who asks what."""

    connections: int = 1
    seconds: float = 2.0
    stream: bool = False
    same: bool = False
    """Whether all requests are one and the same."""
    temperature: float = 0.0
    """Above 0, answers are not remembered."""
    size: int = 1024
    marker: str = ""
    """What asks the mock deployment for a pace."""
    spread: float = 0.0
    """Seconds over which connections ask for the first time, evenly; 0: all at once, and then together ever after."""
    rate: float = 0.0
    """Requests a second, over all connections; 0: each asks again as soon as it is answered."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came back. Times are milliseconds."""

    requests: int
    errors: int
    seconds: float
    per_second: float
    events: int
    """Of streams."""
    latency: dict[str, float]
    first: dict[str, float]
    """Until the first byte of the answer's body."""
    token: dict[str, float]
    """Until the first event with content, of streams: what somebody who reads along is waiting for."""


class Tokens:
    """Looks for the first token in the body of a stream, however the network cut it."""

    __slots__ = ("_events", "_left", "_rest")

    def __init__(self, *, chunked: bool) -> None:
        self._events, self._rest = Splitter(), b""
        self._left = 0 if chunked else sys.maxsize
        """Bytes until the next chunk begins, the line's end after the last one not counted."""

    def feed(self, data: bytes) -> bool:
        """Take what came; whether there is one in it."""
        self._rest += data
        while self._rest:
            if not self._left:
                size, ended, rest = self._rest.lstrip(b"\r\n").partition(b"\r\n")
                if not ended:
                    return False
                self._left, self._rest = int(size.partition(b";")[0], 16), rest
                if not self._left:
                    return False
            part, self._rest = self._rest[: self._left], self._rest[self._left :]
            self._left -= len(part)
            if any(_has_content(data) for _, data in self._events.feed(part)):
                return True
        return False


def _has_content(data: bytes | None) -> bool:
    """Whether an event brings text of the answer; a role, usage, `[DONE]` and errors do not."""
    if data is None or not data.startswith(b"{"):
        return False
    return any((choice.get("delta") or {}).get("content") for choice in orjson.loads(data).get("choices") or ())


@dataclass(slots=True)
class _Seen:
    load: Load
    until: float
    number: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    firsts: "array[float]" = field(default_factory=lambda: array("d"))
    tokens: "array[float]" = field(default_factory=lambda: array("d"))
    events: int = 0
    errors: int = 0
    due: float = 0.0
    """When the next request is, at a rate."""


class _Asker(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_asked",
        "_begun",
        "_heard",
        "_left",
        "_open",
        "_parts",
        "_seen",
        "_start",
        "_tokens",
        "_transport",
        "over",
    )

    def __init__(self, seen: _Seen, parts: tuple[bytes, bytes], start: float) -> None:
        self._seen, self._parts, self._start = seen, parts, start
        self._heard, self._open, self._begun = b"", False, False
        self._tokens: Tokens | None = None
        self._left: int | None = None
        """Bytes of the answer still to come; below 0 where only its last chunk says so; None before its head."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        asyncio.get_running_loop().call_later(max(0.0, self._start - time.perf_counter()), self._next)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._open:
            self._seen.errors += 1
        if not self.over.done():
            self.over.set_result(None)

    def _next(self) -> None:
        """Ask now, or when it is time to."""
        seen, now = self._seen, time.perf_counter()
        if seen.load.rate:
            seen.due = max(seen.due, now - 1.0) + 1 / seen.load.rate
            if seen.due > now:
                asyncio.get_running_loop().call_later(seen.due - now, self._ask)
                return
        self._ask()

    def _ask(self) -> None:
        seen = self._seen
        self._asked = time.perf_counter()
        if self._asked >= seen.until or self._transport.is_closing():
            self._transport.close()
            return
        before, after = self._parts
        if not seen.load.same:
            seen.number += 1
        self._heard, self._left, self._open, self._begun = b"", None, True, False
        self._transport.write(b"%b%09d%b" % (before, seen.number, after))

    @override
    def data_received(self, data: bytes) -> None:
        if self._left is None:
            self._begin(data)
        else:
            self._follow(data)
        if self._left == 0:
            self._seen.latencies.append(time.perf_counter() - self._asked)
            self._open = False
            self._next()

    def _begin(self, data: bytes) -> None:
        """Read the head of an answer."""
        self._heard += data
        head, found, rest = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._seen.errors += 1
        at = head.lower().find(b"content-length: ")
        self._left = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else -1
        self._heard = b""
        self._tokens = Tokens(chunked=at < 0) if self._seen.load.stream else None
        if rest:
            self._follow(rest)

    def _follow(self, data: bytes) -> None:
        """Read on; of a stream is kept only what is needed to see its first token and its end."""
        seen, taken = self._seen, time.perf_counter() - self._asked
        if not self._begun:
            self._begun = True
            seen.firsts.append(taken)
        if self._tokens is not None and self._tokens.feed(data):
            seen.tokens.append(taken)
            self._tokens = None
        if seen.load.stream:
            seen.events += data.count(b"data: ")
        if self._left is not None and self._left > 0:
            self._left -= len(data)
        else:
            self._heard = (self._heard + data)[-5:] if len(data) < 5 else data[-5:]
            if self._heard == b"0\r\n\r\n":
                self._left = 0


async def drive(url: str, load: Load) -> Found:
    """Ask a base URL, and tell what was seen."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    mark = "@" * 9
    asked: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if load.stream else {}
    marker = f"{secrets.token_hex(4)} {load.marker}"  # what this run asks, nobody has asked before
    body = workload.body(0, size=load.size, marker=marker, temperature=load.temperature, **asked)
    body = body.replace(b"#%09d" % 0, b"#" + mark.encode(), 1)
    before, _, after = (workload.head(len(body), f"{address.path}/chat/completions") + body).partition(mark.encode())
    begun, loop = time.perf_counter(), asyncio.get_running_loop()
    seen = _Seen(load, begun + load.seconds, due=begun)
    starts = (begun + number * load.spread / load.connections for number in range(load.connections))
    opened = [loop.create_connection(partial(_Asker, seen, (before, after), start), host, port) for start in starts]
    askers = [asker for _, asker in await asyncio.gather(*opened)]
    await asyncio.wait([asker.over for asker in askers], timeout=load.seconds + _PATIENCE)
    took = time.perf_counter() - begun
    hung = sum(not asker.over.done() for asker in askers)
    return Found(
        len(seen.latencies),
        seen.errors + hung,
        took,
        len(seen.latencies) / took,
        seen.events,
        _told(seen.latencies),
        _told(seen.firsts),
        _told(seen.tokens),
    )


def percentile(values: Sequence[float], at: float) -> float:
    """Return the value that `at` per cent of the values do not exceed; values are sorted."""
    return values[min(len(values) - 1, int(len(values) * at / 100))] if values else 0.0


def _told(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {**{f"p{at:g}": 1e3 * percentile(ordered, at) for at in AT}, "max": 1e3 * percentile(ordered, 100)}


def loaded(url: str, load: Load, core: int | None = None) -> Found:
    """Drive from a process of its own, on a core of its own where there are several."""
    command = pinned([sys.executable, "-m", "bench.load", url, json.dumps(asdict(load))], core)
    return Found(**json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(drive(sys.argv[1], Load(**json.loads(sys.argv[2])))))))
