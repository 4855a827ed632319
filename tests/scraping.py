"""A real Prometheus that scrapes what a test points it at, several times a second, in a folder of its own."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import orjson
import yaml

from tests.servers import needs
from tests.talking import talk

__all__ = ["Prometheus", "Scraped", "prometheus"]

PATIENCE = 30.0


@dataclass(slots=True)
class Scraped:
    """Hands a server's metrics on to Prometheus, and says how often it came for them."""

    base_url: str
    times: int = 0
    _server: asyncio.Server | None = None
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._hand_on, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def target(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def again(self, times: int = 2) -> None:
        """Wait until it has come so many times more: what was counted until now has been read, and stored."""
        async with asyncio.timeout(PATIENCE), self._came:
            wanted = self.times + times
            await self._came.wait_for(lambda: self.times >= wanted)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            async with talk(self.base_url) as client:
                heard = await client.say("GET", "/metrics", {"host": "x"})
            kind, size = heard.headers["content-type"], len(heard.body)
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + heard.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the proxy has gone, or Prometheus, which waits no longer than until the next scrape
        finally:
            writer.close()
        async with self._came:
            self.times += 1
            self._came.notify_all()


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running one."""

    url: str

    async def ask(self, expr: str) -> list[dict[str, Any]]:
        """Give the result of an instant query; raises AssertionError when it is refused."""
        async with talk(self.url) as client:
            heard = await client.say("GET", f"/api/v1/query?{urlencode({'query': expr})}", {"host": "x"})
        answer = orjson.loads(heard.body)
        assert answer["status"] == "success", f"{expr}\n{answer.get('error')}"
        result = answer["data"]["result"]
        return list(result) if isinstance(result, list) else []


@asynccontextmanager
async def prometheus(folder: Path, targets: Sequence[str], *, every: str = "200ms") -> AsyncIterator[Prometheus]:
    """Start one, wait until it is ready, and stop it."""
    jobs = [{"job_name": "smallfirst", "static_configs": [{"targets": list(targets)}]}]
    config = {"global": {"scrape_interval": every, "scrape_timeout": every}, "scrape_configs": jobs}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        needs("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert process.stderr is not None
    try:
        told = ""
        async with asyncio.timeout(PATIENCE):
            while not re.search(r"ready to receive web requests", told):
                line = await process.stderr.readline()
                assert line, f"it ended, and said:\n{told}"
                told += line.decode()
        draining = asyncio.create_task(process.stderr.read())
        yield Prometheus(f"http://{urlsplit('//' + address).netloc}")
        draining.cancel()
        await asyncio.wait({draining})
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()
