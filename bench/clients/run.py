"""Measure every HTTP client under every ASGI server with the forwarder of `forward.py`, alternating, and print medians.

The server runs on core 0; load and upstream share core 1. Figures of one run may be compared with each other only.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from typing_extensions import override

HERE = Path(__file__).parent
PORT, UPSTREAM_PORT = 9178, 9179
SERVERS = {
    "uvicorn": "-m uvicorn --loop uvloop --http httptools --no-access-log --log-level warning forward:app --port",
    "granian": "-m granian --loop uvloop --interface asginl --no-access-log --log-level warning forward:app --port",
    "granian-rsgi": "-m granian --loop uvloop --interface rsgi --no-access-log --log-level warning forward:rsgi --port",
}
PROMPT = "Summarise the following customer support ticket and reply politely with the refund rules. " * 9
ENVIRONMENT = {"PYTHONPATH": str(HERE.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}  # for the client `wire`
CASES = {"u1": (1, ""), "u50": (50, ""), "s50": (50, "#mock:0,30,0#"), "paced50": (50, "#mock:0,30,10#")}


@dataclass(slots=True)
class Load:
    """What the connections of one case saw."""

    end: float
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)


class Asker(asyncio.Protocol):
    """One connection in a closed loop: the next request follows the last answer."""

    transport: asyncio.Transport

    def __init__(self, load: Load, request: bytes, *, stream: bool) -> None:
        self.load, self.request, self.stream = load, request, stream
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first time."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio.Transport
        self.ask()

    def ask(self) -> None:
        """Ask, or stop when the time is over."""
        self.started = time.perf_counter()
        if self.started >= self.load.end:
            self.transport.close()
            self.finished.set_result(None)
            return
        self.answer = b""
        self.transport.write(self.request)

    @override
    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        if not self.answer:
            self.load.first_bytes.append(time.perf_counter() - self.started)
        self.answer += data
        if self.whole():
            assert self.answer.startswith(b"HTTP/1.1 200"), self.answer[:200]
            self.load.latencies.append(time.perf_counter() - self.started)
            self.ask()

    def whole(self) -> bool:
        """Whether the answer has ended."""
        if self.stream:
            return self.answer.endswith(b"0\r\n\r\n") and b"[DONE]" in self.answer
        head, found, body = self.answer.partition(b"\r\n\r\n")
        return bool(found) and len(body) >= int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])


async def drive(case: str, seconds: float) -> tuple[Load, float]:
    """Run one case; also the seconds it took."""
    connections, marker = CASES[case]
    stream = b'"stream":true,' if marker else b""
    body = b'{"model":"mock",%s"messages":[{"role":"user","content":"%s"}]}' % (stream, (marker + PROMPT).encode())
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
    request = head + b"%d\r\n\r\n" % len(body) + body
    started, loop = time.perf_counter(), asyncio.get_running_loop()
    load = Load(started + seconds)
    opened = [
        loop.create_connection(lambda: Asker(load, request, stream=bool(marker)), "127.0.0.1", PORT)
        for _ in range(connections)
    ]
    askers = [asker for _, asker in await asyncio.gather(*opened)]
    await asyncio.gather(*(asker.finished for asker in askers))
    return load, time.perf_counter() - started


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = [int(c) for t in Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()]
    return [pid, *(p for child in children for p in family(child))]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its descendants have used."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Proportional memory of a process and its descendants in MB."""
    lines = [line for p in family(pid) for line in Path(f"/proc/{p}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def start(arguments: str, core: int, **environment: str) -> subprocess.Popen[bytes]:
    """Start a Python process on a core."""
    return subprocess.Popen(
        ["taskset", "-c", str(core), sys.executable, *arguments.split()],
        cwd=HERE,
        env={**os.environ, **ENVIRONMENT, **environment},
    )


async def listening(port: int) -> None:
    """Wait for a port."""
    while True:
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return


async def measure(client: str, server: str, options: argparse.Namespace) -> dict[str, float]:
    """Start one combination, run all cases, stop it."""
    process = start(f"{SERVERS[server]} {PORT}", 0, CLIENT=client, UPSTREAM=options.upstream)
    figures: dict[str, float] = {}
    try:
        await listening(PORT)
        for case in options.cases.split(","):
            await drive(case, 0.5)
            before = cpu_seconds(process.pid)
            load, took = await drive(case, options.seconds)
            done = len(load.latencies)
            figures[f"{case} req/s"] = done / took
            figures[f"{case} p50 ms"] = 1e3 * statistics.median(load.latencies)
            figures[f"{case} first byte p50 ms"] = 1e3 * statistics.median(load.first_bytes)
            figures[f"{case} CPU µs/req"] = 1e6 * (cpu_seconds(process.pid) - before) / done
        figures["PSS MB"] = memory(process.pid)
    finally:
        process.terminate()
        process.wait()
    return figures


async def main(options: argparse.Namespace) -> None:
    """Measure all combinations in turn, several times, and print a table."""
    os.sched_setaffinity(0, {1})
    upstream = None if options.upstream else start(f"-m bench.upstream {UPSTREAM_PORT}", 1)
    options.upstream = options.upstream or f"http://127.0.0.1:{UPSTREAM_PORT}"
    if upstream:
        await listening(UPSTREAM_PORT)
    results: dict[str, list[dict[str, float]]] = defaultdict(list)
    try:
        for _ in range(options.reps):
            for client in options.clients.split(","):
                for server in options.servers.split(","):
                    results[f"{client} / {server}"].append(await measure(client, server, options))
    finally:
        if upstream:
            upstream.terminate()
            upstream.wait()
    columns = list(next(iter(results.values()))[0])
    print("| client / server |", " | ".join(columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    for name, runs in results.items():
        print("|", name, "|", " | ".join(f"{statistics.median(r[c] for r in runs):,.2f}" for c in columns), "|")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", default="", help="scheme://host:port of an upstream; omitted: a small fake one")
    parser.add_argument("--clients", default="pyreqwest,pyqwest,aiohttp,wire")
    parser.add_argument("--servers", default="uvicorn,granian,granian-rsgi")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    uvloop.run(main(parser.parse_args()))
