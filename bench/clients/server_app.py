"""What an ASGI server lets its application notice: a path per question, answers appended to a file (``NOTES``)."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from forward import Message, Receive, Send

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def note(text: str) -> None:
    """Write one observation down, with the time since some fixed moment."""
    with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as file:
        file.write(f"{time.monotonic():.4f} {text}\n")


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Behave as the path says."""
    if scope["type"] != "http":
        note(f"lifespan {(await receive())['type']}")
        await send({"type": "lifespan.startup.complete"})
        note(f"lifespan {(await receive())['type']}")
        await send({"type": "lifespan.shutdown.complete"})
        return
    behaviour = BEHAVIOURS[scope["path"]]
    try:
        await behaviour(scope, receive, send)
    except asyncio.CancelledError:
        note("cancelled")
        raise
    except Exception as error:
        note(f"raised {type(error).__name__}: {error}")
        raise


async def read(receive: Receive) -> list[int]:
    """Read the request to its end; the sizes of its pieces."""
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(len(message.get("body", b"")))
        more = message.get("more_body", False)
    return pieces


async def wait(_scope: Message, receive: Receive, _send: Send) -> None:
    """Wait for the client to leave before anything was answered."""
    await read(receive)
    note("waiting")
    note((await receive())["type"])


async def endless(_scope: Message, receive: Receive, send: Send) -> None:
    """Stream for ever; does `receive` or `send` tell that the client left?"""
    await read(receive)
    await send(START)
    watch = asyncio.ensure_future(receive())
    for turn in range(200):
        await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
        if watch.done():
            note(f"{watch.result()['type']} at turn {turn}")
            return
        await asyncio.sleep(0.01)
    watch.cancel()
    note("never noticed")


async def flood(_scope: Message, receive: Receive, send: Send) -> None:
    """Send as fast as the server takes it, to a client that does not read."""
    await read(receive)
    await send(START)
    sent = 0
    try:
        async with asyncio.timeout(1):
            while True:
                await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
                sent += 65536
                await asyncio.sleep(0)
    except TimeoutError:
        note(f"took {sent} bytes for a client that reads nothing")


async def slow(_scope: Message, receive: Receive, send: Send) -> None:
    """A stream of 1.5 seconds, for graceful shutdown; is the application told that a client left that did not?"""
    await read(receive)
    await send(START)
    watch: asyncio.Future[Message] = asyncio.ensure_future(receive())
    for turn in range(15):
        await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
        if watch.done():
            note(f"slow stream told {watch.result()['type']} at turn {turn}")
            watch = asyncio.get_running_loop().create_future()
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"end\n"})
    watch.cancel()


async def memory(_scope: Message, receive: Receive, send: Send) -> None:
    """Answer with a memoryview: is it taken?"""
    await read(receive)
    await send(START)
    await send({"type": "http.response.body", "body": memoryview(b"view")})


async def crash(_scope: Message, receive: Receive, send: Send) -> None:
    """Fail in the middle of an answer: does the client see a cut, not a clean end?"""
    await read(receive)
    await send(START)
    await send({"type": "http.response.body", "body": b"half\n", "more_body": True})
    raise RuntimeError("in the middle")


async def head(scope: Message, receive: Receive, send: Send) -> None:
    """Show what arrived: body pieces and header names."""
    pieces = await read(receive)
    await send(START)
    text = f"{scope['http_version']} {len(pieces)} pieces, {sum(pieces)} bytes, {[k for k, _ in scope['headers']]}"
    await send({"type": "http.response.body", "body": text.encode()})


BEHAVIOURS = {
    "/wait": wait,
    "/endless": endless,
    "/flood": flood,
    "/slow": slow,
    "/memory": memory,
    "/crash": crash,
    "/head": head,
}
