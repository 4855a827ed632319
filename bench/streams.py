"""What is hard for a proxy: TLS to deployments, readers that do not read, clients that leave, a thousand open streams.

``python -m bench.streams [--json]``: each for a few seconds, against a mock deployment in this process (so that it can
be asked what it saw) and a proxy in one of its own.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
import uvloop

from bench import workload
from bench.load import Load, drive, loaded
from bench.processes import Proxy, proxy, redis, upstream
from bench.upstream import Upstream

__all__ = ["MEASURED"]

_PROXY, _REST = 0, 1
_ENDLESS = "#mock:0,5000000,0#"
_HELD = "#mock:0,2,60000#"
_SLOW, _LEAVING, _OPEN = 20, 200, 1000
_TICKING = "#mock:0,5,1000#"
Figures = dict[str, float]


@contextmanager
def _served(mock: str, ca: Path | None = None) -> Iterator[Proxy]:
    with TemporaryDirectory() as folder, redis(_REST) as cache:
        policy = workload.write(Path(folder), mock, cache or "memory://")
        trusting = {"SSL_CERT_FILE": str(ca)} if ca else None
        with proxy(policy, core=_PROXY, environment=trusting) as served:
            yield served


def tls() -> Figures:
    """The same load on deployments over TLS and in the clear."""
    found: Figures = {}
    with TemporaryDirectory() as folder:
        authority, home = trustme.CA(), Path(folder)
        authority.cert_pem.write_to_path(str(home / "ca.pem"))
        issued = authority.issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(str(home / "server.pem"))
        for name, certificate in (("in the clear", None), ("TLS", home / "server.pem")):
            with (
                upstream(_REST, certificate) as mock,
                _served(mock, home / "ca.pem" if certificate else None) as served,
            ):
                for case, load in (("u1", Load(seconds=1.5)), ("u50", Load(seconds=1.5, connections=50))):
                    loaded(served.url, replace(load, seconds=0.5), _REST)
                    before = served.process.cpu
                    seen = loaded(served.url, load, _REST)
                    found[f"{case} {name}, CPU µs a request"] = 1e6 * (served.process.cpu - before) / seen.requests
                    found[f"{case} {name}, p50 ms"] = seen.latency["p50"]
    return found


def slow_readers() -> Figures:
    """Clients that ask for endless streams and read none of them: what piles up until the deployment has to stop."""
    found: Figures = {"streams": _SLOW}
    with Upstream() as mock, _served(mock.base_url) as served:
        _warm(served)
        for kind, temperature in (("sampled", 1), ("the same again", 1), ("one that others may join", 0)):
            before, sent = served.process.memory, mock.sent
            readers = [
                _ask(served, workload.request(n, stream=True, marker=_ENDLESS, temperature=temperature))
                for n in range(_SLOW)
            ]
            taken = _until_still(lambda: mock.sent) - sent
            found[f"{kind}: MB taken from the deployment for each, kernel's buffers included"] = taken / _SLOW / 2**20
            found[f"{kind}: MB more of the proxy for each"] = (served.process.memory - before) / _SLOW
            cpu = served.process.cpu
            time.sleep(1.0)
            found[f"{kind}: CPU of a core while they wait, %"] = 100 * (served.process.cpu - cpu)
            for reader in readers:
                reader.close()
            gone = _until(lambda: mock.streaming == 0)
            found[f"{kind}: ms until the deployment knows that all have left"] = 1e3 * gone
    return found


def leaving() -> Figures:
    """Clients that hang up in the middle of their streams, all at once."""
    with Upstream() as mock, _served(mock.base_url) as served:
        _warm(served)
        clients = [_ask(served, workload.request(n, stream=True, marker=_HELD)) for n in range(_LEAVING)]
        for client in clients:
            client.recv(65536)
        assert mock.streaming == _LEAVING
        before = served.process.cpu
        for client in clients:
            client.close()
        gone = _until(lambda: mock.streaming == 0)
        _until(lambda: _metric(served, "router_client_disconnects_total") == _LEAVING)
        return {
            "streams": _LEAVING,
            "ms until the deployment knows that all have left": 1e3 * gone,
            "CPU µs for each": 1e6 * (served.process.cpu - before) / _LEAVING,
            "requests in flight afterwards": _metric(served, "router_inflight"),
        }


def a_thousand() -> Figures:
    """A thousand streams, each with a token a second."""
    with upstream(_REST) as mock, _served(mock) as served:
        _warm(served)
        before, cpu = served.process.memory, served.process.cpu
        load = Load(connections=_OPEN, seconds=0.5, stream=True, marker=_TICKING)
        memory = list[float]()

        async def watched() -> Figures:
            driving = asyncio.create_task(drive(served.url, load))
            while not driving.done():
                await asyncio.sleep(0.5)
                memory.append(served.process.memory)
            seen = await driving
            return {
                "streams": seen.requests,
                "errors": seen.errors,
                "events for each": seen.events / max(1, seen.requests),
                "first token p50 ms, all opened at once": seen.token["p50"],
                "first token p99 ms": seen.token["p99"],
                "MB for each": (max(memory) - before) / _OPEN,
                "CPU of a core, %": 100 * (served.process.cpu - cpu) / seen.seconds,
            }

        return uvloop.run(watched())


MEASURED: dict[str, Callable[[], Figures]] = {
    "TLS": tls,
    "slow readers": slow_readers,
    "clients that leave": leaving,
    "a thousand streams": a_thousand,
}


def _warm(served: Proxy) -> None:
    loaded(served.url, Load(connections=8, seconds=0.5, stream=True), _REST)


def _ask(served: Proxy, request: bytes) -> socket.socket:
    """Send a request, and read nothing yet."""
    host, port = served.url.removeprefix("http://").removesuffix("/v1").split(":")
    asking = socket.create_connection((host, int(port)), timeout=10)
    asking.sendall(request)
    return asking


def _metric(served: Proxy, name: str) -> float:
    host, port = served.url.removeprefix("http://").removesuffix("/v1").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as asking:
        asking.sendall(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        text = b""
        while part := asking.recv(2**20):
            text += part
    return sum(float(line.split()[-1]) for line in text.decode().splitlines() if line.split(" ", 1)[0] == name)


def _until(true: Callable[[], bool], patience: float = 20.0) -> float:
    """Wait until it is; how long that took."""
    begun = time.perf_counter()
    while not true():
        if time.perf_counter() - begun > patience:
            raise TimeoutError
        time.sleep(0.0005)
    return time.perf_counter() - begun


def _until_still(value: Callable[[], int], still: float = 1.0) -> int:
    """Wait until a number has not changed for a while; give it."""
    seen, since = value(), time.perf_counter()
    while time.perf_counter() - since < still:
        time.sleep(0.05)
        if value() != seen:
            seen, since = value(), time.perf_counter()
    return seen


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MEASURED, action="append", help="may be repeated; omitted: all of it")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    found: dict[str, Figures] = {}
    for name in options.only or MEASURED:
        print(f"measuring {name}", file=sys.stderr)
        found[name] = MEASURED[name]()
        if not options.json:
            print(name)
            for what, figure in found[name].items():
                print(f"  {what:70} {figure:12,.2f}")
    if options.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
