"""The processes that a measurement needs: started on free ports, pinned to cores where that can be done, and ended."""

import compileall
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import workload

__all__ = [
    "ROOT",
    "Process",
    "free_port",
    "listening",
    "pinned",
    "proxy",
    "redis",
    "redis_process",
    "served",
    "started",
    "upstream",
]

ROOT = Path(__file__).parent.parent
_PATIENCE = 60.0
_TICKS = 1e9
_BOUNDED = ("--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru")


@dataclass(frozen=True, slots=True)
class Process:
    """One process, with the processes that it has started."""

    pid: int

    @property
    def family(self) -> list[int]:
        """It and its descendants."""
        found, left = [], [self.pid]
        while left:
            found.append(left.pop())
            with suppress(OSError):
                for task in Path(f"/proc/{found[-1]}/task").iterdir():
                    left += map(int, (task / "children").read_text().split())
        return found

    @property
    def cpu(self) -> float:
        """Seconds of CPU that all of them have used, all threads together."""
        total = 0
        for pid in self.family:
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    total += int((task / "schedstat").read_text().split()[0])
        return total / _TICKS

    @property
    def memory(self) -> float:
        """Their memory in MB: PSS, which shares what is shared."""
        lines = [line for pid in self.family for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def started(
    command: Sequence[str],
    *,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process; end it when we are done."""
    command = pinned(command, core)
    with (log or Path(os.devnull)).open("ab") as told:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=told,
            stderr=told,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Put a command on a core, where there are several and `taskset` to choose one."""
    able = core is not None and shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1
    return ["taskset", "-c", str(core), *command] if able else [*command]


def listening(port: int, process: subprocess.Popen[bytes], log: Path | None = None) -> None:
    """Wait until somebody listens on a port; raises RuntimeError when the process ends, or takes too long."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} does not listen on {port}: {log.read_text()[-2000:] if log else ''}")


def free_port() -> int:
    """Return a port that was free just now."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port: int = trying.getsockname()[1]
        return port


@contextmanager
def upstream(core: int | None = None, certificate: Path | None = None) -> Iterator[str]:
    """Run the mock deployment as a process; give its base URL. With a certificate (for localhost) it speaks TLS."""
    port = free_port()
    command = [sys.executable, "-m", "bench.upstream", str(port), *([str(certificate)] if certificate else [])]
    with started(command, core=core) as process:
        listening(port, process)
        yield f"https://localhost:{port}/v1" if certificate else f"http://127.0.0.1:{port}/v1"


@contextmanager
def redis(core: int | None = None) -> Iterator[str]:
    """Run a Redis of our own; give its URL, or nothing where none is installed."""
    if shutil.which("redis-server") is None:
        yield ""
        return
    with redis_process(core) as (url, _):
        yield url


@contextmanager
def redis_process(core: int | None = None) -> Iterator[tuple[str, Process]]:
    """Run a Redis of our own, which forgets what it has no room for; give its URL and its process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *_BOUNDED]
        with started(["redis-server", *options], core=core) as process:
            listening(port, process)
            yield f"redis://127.0.0.1:{port}/0", Process(process.pid)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that serves."""

    url: str
    process: Process
    started: float
    """Seconds from its start until its first answer."""
    log: Path


@contextmanager
def proxy(
    policy: Path, *, core: int | None = None, workers: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[Proxy]:
    """Run the proxy as its users do; give it once it has answered. The access log goes where nobody reads it."""
    compileall.compile_dir(ROOT / "router", quiet=2)  # as installing does: without, a start takes a third longer
    port, log = free_port(), policy.with_name("proxy.log")
    command = [sys.executable, "-m", "router", "serve", "--policy", str(policy), "--port", str(port)]
    if workers > 1:
        command += ["--workers", str(workers)]
    quiet = ["sh", "-c", 'exec "$@" >/dev/null', "sh"]  # stderr stays, for whoever looks why it did not start
    with served([*quiet, *command], port, log, core=core, environment=environment) as one:
        yield one


@contextmanager
def served(
    command: Sequence[str],
    port: int,
    log: Path,
    *,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """Run any proxy; give it once it has answered."""
    begun = time.monotonic()
    with started(command, core=core, log=log, environment=environment) as process:
        listening(port, process, log)
        _answers(port)
        yield Proxy(f"http://127.0.0.1:{port}/v1", Process(process.pid), time.monotonic() - begun, log)


def _answers(port: int) -> None:
    """Ask once; raises RuntimeError for anything but a 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as asking:
        asking.sendall(workload.request(0, temperature=1))
        heard = asking.recv(65536)
    if not heard.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(heard[:500].decode(errors="replace"))
