"""What does the proxy add? The same requests one at a time, to the upstream itself and through the proxy."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from router.clock import SYSTEM, Clock
from router.demo.wire import read_answer
from router.demo.workload import Row

__all__ = ["Overhead", "measure", "percentile"]

_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds that the proxy adds at these percentiles of latency."""

    p50: float
    p99: float


async def measure(
    proxy: str, upstream: str, tier: str, rows: Sequence[Row], *, count: int = 200, clock: Clock = SYSTEM
) -> Overhead:
    """Ask both base URLs the same `count` requests, in turns, and compare their percentiles.

    `upstream` is where the proxy sends the requests of `tier`. Each is asked over one plain connection, because a rich
    client takes longer than what is to be measured. Raises OSError when either does not answer 200.
    """
    took: tuple[list[float], list[float]] = ([], [])
    lines = await _Line.to(upstream), await _Line.to(proxy)
    try:
        for number in range(_WARM_UP + count):
            row = rows[number % len(rows)]
            body = orjson.dumps({"model": tier, "messages": row.messages, **row.request})
            for line, seconds in zip(lines, took, strict=True):
                begun = clock.now()
                await line.ask(body)
                seconds.append(clock.now() - begun)
    finally:
        for line in lines:
            line.close()
    direct, through = (seconds[_WARM_UP:] for seconds in took)
    p50, p99 = (1000 * max(0.0, percentile(through, at) - percentile(direct, at)) for at in (0.50, 0.99))
    return Overhead(p50=p50, p99=p99)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least `share` of the values do not exceed; 0 for no values."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection that asks for one completion after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes

    @classmethod
    async def to(cls, base_url: str) -> "_Line":
        address = urlsplit(base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        lines = (
            f"POST {address.path}/chat/completions HTTP/1.1",
            f"host: {address.netloc}",
            "authorization: Bearer demo",
        )
        return cls(reader, writer, "\r\n".join([*lines, "content-type: application/json\r\n"]).encode())

    async def ask(self, body: bytes) -> None:
        self.writer.write(self.head + b"content-length: %d\r\n\r\n" % len(body) + body)
        status, answer = await read_answer(self.reader)
        if status != 200:
            raise OSError(f"expected 200, got {status}: {answer[:200].decode(errors='replace')}")

    def close(self) -> None:
        self.writer.close()
