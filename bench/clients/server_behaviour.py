"""Ask an ASGI server the questions a proxy depends on: disconnects, backpressure, shutdown, malformed requests.

Usage: ``python server_behaviour.py uvicorn|granian``; prints one line per question.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = {
    "uvicorn": "-m uvicorn server_app:app --loop uvloop --http httptools --no-access-log --log-level warning"
    " --timeout-graceful-shutdown 5 --port",
    "granian": "-m granian --interface asgi --loop uvloop --no-access-log --log-level warning"
    " --workers-kill-timeout 5 server_app:app --port",
}
PORT = 9177
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(path: str, body: bytes = b"{}", extra: str = "") -> bytes:
    """One POST as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


class Probe:
    """One server process and the notes of its application."""

    def __init__(self, server: str) -> None:
        self.notes = Path(tempfile.mkstemp()[1])
        self.command = [*COMMANDS[server].split(), str(PORT)]

    async def start(self) -> None:
        """Start the server and wait for its port."""
        env = {**os.environ, "NOTES": str(self.notes), "CLIENT": "wire", "PYTHONPATH": str(HERE.parents[1])}
        self.process = await asyncio.create_subprocess_exec(sys.executable, *self.command, cwd=HERE, env=env)
        while True:
            try:
                (await self.connect())[1].close()
            except OSError:
                await asyncio.sleep(0.02)
            else:
                return

    async def connect(self) -> Pair:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", PORT)

    def noted(self) -> list[tuple[float, str]]:
        """All observations so far."""
        lines = self.notes.read_text(encoding="utf-8").splitlines()
        return [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines]

    async def next_note(self, after: float, seconds: float = 3.0) -> str:
        """The first observation after a moment, with its delay."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for when, text in self.noted():
                if when >= after:
                    return f"{text} (after {1e3 * (when - after):.1f} ms)"
            await asyncio.sleep(0.005)
        return "nothing noticed"

    async def leave(self, path: str, after: float = 0.2) -> str:
        """Ask, leave after a while, and tell what the application noticed."""
        _, writer = await self.connect()
        writer.write(request(path))
        await asyncio.sleep(after)
        moment = time.monotonic()
        writer.close()
        return await self.next_note(moment)

    async def raw(self, data: bytes, seconds: float = 1.0) -> str:
        """Send bytes and show what comes back until the end or the deadline."""
        reader, writer = await self.connect()
        writer.write(data)
        answer, ended = b"", False
        try:
            async with asyncio.timeout(seconds):
                while piece := await reader.read(65536):
                    answer += piece
                ended = True
        except TimeoutError:
            pass
        except OSError as error:
            return f"{answer[-160:]!r} then {type(error).__name__}"
        finally:
            writer.close()
        return f"{answer!r}{' then closed' if ended else ''}"


async def shutdown(probe: Probe) -> str:
    """Ask for a stream, send SIGTERM in its middle: is it finished, and how long did it take?"""
    reader, writer = await probe.connect()
    writer.write(request("/slow"))
    await asyncio.sleep(0.3)
    started = time.monotonic()
    probe.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    try:
        (await probe.connect())[1].close()
        late = "still accepted"
    except OSError:
        late = "refused"
    answer = await reader.read(65536)
    while piece := await reader.read(65536):
        answer += piece
    await probe.process.wait()
    whole = "finished" if b"end" in answer else "cut"
    took = time.monotonic() - started
    return f"stream {whole}, new connections {late}, exit {probe.process.returncode} after {took:.1f} s"


async def flood(probe: Probe) -> str:
    """Do not read: how much does the server take?"""
    _, writer = await probe.connect()
    moment = time.monotonic()
    writer.write(request("/flood"))
    text = await probe.next_note(moment)
    writer.close()
    return text


async def main(server: str) -> None:
    """Ask everything."""
    probe = Probe(server)
    await probe.start()
    close = "Connection: close\r\n"
    print(f"## {server}")
    print("leaves before the answer:", await probe.leave("/wait"))
    print("leaves during a stream:", await probe.leave("/endless"))
    print("client that reads nothing:", await flood(probe))
    print("memoryview as body:", await probe.raw(request("/memory", extra=close)))
    print("application fails mid-answer:", await probe.raw(request("/crash", extra=close)))
    print("1 MB body:", await probe.raw(request("/head", bytes(1_000_000), close)))
    print(
        "pipelined:", (await probe.raw(request("/head") + request("/head", extra=close))).count("HTTP/1.1 200"), "of 2"
    )
    print(
        "expect 100:",
        await probe.raw(b"POST /head HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
    )
    print("malformed:", await probe.raw(b"NONSENSE\r\n\r\n"))
    print("both lengths:", await probe.raw(request("/head", b"0\r\n\r\n", "Transfer-Encoding: chunked\r\n" + close)))
    print("200 kB of headers:", (await probe.raw(request("/head", extra="x: " + "y" * 200_000 + "\r\n" + close)))[:80])
    print("half a head for 2 s:", await probe.raw(b"POST /head HTTP/1.1\r\nHo", 2.0))
    print("SIGTERM mid-stream:", await shutdown(probe))
    print("notes:", [text for _, text in probe.noted()])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
