"""HTTP/1.1 in as few words as a fake upstream needs: requests in, heads and chunks out, byte by byte."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

__all__ = ["LAST_CHUNK", "Received", "chunk", "head", "read", "read_answer"]

LAST_CHUNK = b"0\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def data(self) -> dict[str, Any]:
        """The body's JSON object; empty when the body is something else."""
        try:
            data = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return data if isinstance(data, dict) else {}

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation; empty when there is none."""
        messages = self.data.get("messages")
        return messages if isinstance(messages, list) else []


async def read(reader: asyncio.StreamReader, send: Callable[[bytes], None]) -> Received | None:
    """Read the next request of a connection, or None when the client has closed it.

    Understands Content-Length, chunked bodies and `Expect: 100-continue`, which is answered through `send`.
    Raises ValueError for what is not HTTP.
    """
    try:
        first, headers = await _head(reader)
    except asyncio.IncompleteReadError:
        return None
    method, path, _version = first.split(" ")
    if headers.get("expect", "").lower() == "100-continue":
        send(_CONTINUE)
    try:
        body = await _body(reader, headers)
    except asyncio.IncompleteReadError:
        return None
    return Received(method=method, path=path, headers=headers, body=body)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer, of known length or in chunks: its status and its body. Raises EOFError when it breaks off."""
    first, headers = await _head(reader)
    return int(first.split(" ")[1]), await _body(reader, headers)


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The first line, and the headers with names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers say nothing that a fake would answer differently
    return bytes(body)


def head(status: int, headers: Mapping[str, str], *, length: int | None) -> bytes:
    """An answer's status line and headers; without a length the body is sent in chunks."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in {**headers, **framing}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
