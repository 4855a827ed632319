"""The smallest honest forwarder: parse the body, send it on, read the usage, give the bytes back; per HTTP client.

Run it under an ASGI server, e.g. ``CLIENT=wire UPSTREAM=http://127.0.0.1:9000 uvicorn forward:app``.
Environment: ``CLIENT`` (a key of ``CLIENTS``), ``UPSTREAM`` (scheme and address),
``CA`` (a PEM file to trust), ``HTTP2=1``.
"""

import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Reply = tuple[int, bytes]
Whole = Callable[[bytes], Awaitable[Reply]]
Chunks = Callable[[bytes], AsyncIterator[bytes]]

URL = os.environ.get("UPSTREAM", "http://127.0.0.1:9000") + "/v1/chat/completions"
CA = os.environ.get("CA")
HTTP2 = os.environ.get("HTTP2") == "1"
HEADERS = [("content-type", "application/json"), ("authorization", "Bearer sk-mock")]
IDLE_CONNECTIONS = 512


def pyreqwest_client() -> tuple[Whole, Chunks]:
    """Forward with pyreqwest: reqwest and hyper on a thread of their own."""
    from pyreqwest.client import ClientBuilder
    from pyreqwest.http import Url

    builder = ClientBuilder().no_proxy().follow_redirects(False).referer(False).http2(HTTP2)
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    builder = builder.pool_max_idle_per_host(IDLE_CONNECTIONS).connect_timeout(timedelta(seconds=5))
    if CA:
        builder = builder.add_root_certificate_pem(Path(CA).read_bytes())
    client, url = builder.build(), Url(URL)

    async def whole(body: bytes) -> Reply:
        response = await client.post(url).headers(HEADERS).body_bytes(body).build().send()
        return response.status, (await response.bytes()).to_bytes()

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        request = client.post(url).headers(HEADERS).body_bytes(body).streamed_read_buffer_limit(0)
        async with request.build_streamed() as response:
            read = response.body_reader.read_chunk
            while (chunk := await read()) is not None:
                yield chunk.to_bytes()

    return whole, chunks


def pyqwest_client() -> tuple[Whole, Chunks]:
    """Forward with pyqwest: reqwest and hyper too, on tokio's worker threads."""
    from pyqwest import Client, Headers, HTTPTransport, HTTPVersion

    transport = HTTPTransport(
        tls_ca_cert=Path(CA).read_bytes() if CA else None,
        http_version=None if HTTP2 else HTTPVersion.HTTP1,
        connect_timeout=5,
        pool_max_idle_per_host=IDLE_CONNECTIONS,
        enable_gzip=False,
        enable_brotli=False,
        enable_zstd=False,
        enable_otel=False,
        follow_redirects=False,
    )
    client, headers = Client(transport), Headers(HEADERS)

    async def whole(body: bytes) -> Reply:
        response = await client.post(URL, headers, body)
        return response.status, response.content

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        async with client.stream("POST", URL, headers, body) as response:
            async for chunk in response.content:
                yield bytes(chunk)

    return whole, chunks


def aiohttp_client() -> tuple[Whole, Chunks]:
    """Forward with aiohttp: on the event loop itself, HTTP/1.1 only."""
    import ssl

    import aiohttp
    import yarl

    url, session = yarl.URL(URL), None

    def opened() -> aiohttp.ClientSession:
        nonlocal session
        if session is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=CA) if CA else True)
            session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5)
            )
        return session

    async def whole(body: bytes) -> Reply:
        async with opened().post(url, data=body, headers=HEADERS, allow_redirects=False) as response:
            return response.status, await response.read()

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        async with opened().post(url, data=body, headers=HEADERS, allow_redirects=False) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    return whole, chunks


def wire_client() -> tuple[Whole, Chunks]:
    """Forward with our own: HTTP/1.1 on the event loop, parsed by httptools."""
    import ssl

    from router.upstream.wire import Wire

    tls = ssl.create_default_context(cafile=CA) if CA else None
    wire = Wire(URL, headers=dict(HEADERS), connect_timeout=5, tls=tls)

    async def whole(body: bytes) -> Reply:
        answer = await wire.whole(body)
        return answer.status, answer.content

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        answer = await wire.streamed(body)
        try:
            while chunk := await answer.more(math.inf):
                yield chunk
        finally:
            await answer.aclose()

    return whole, chunks


CLIENTS = {"pyreqwest": pyreqwest_client, "pyqwest": pyqwest_client, "aiohttp": aiohttp_client, "wire": wire_client}
WHOLE, CHUNKS = CLIENTS[os.environ.get("CLIENT", "wire")]()


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer every request with the upstream's answer."""
    if scope["type"] != "http":
        return
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    request = orjson.loads(body)
    request["model"] = "mock"
    if request.get("stream"):
        await stream(orjson.dumps(request), send)
        return
    status, answer = await WHOLE(orjson.dumps(request))
    tokens = orjson.loads(answer)["usage"]["total_tokens"]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer)),
        (b"x-tokens", b"%d" % tokens),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class Rsgi:
    """The same as `app` for granian's own interface, RSGI."""

    async def __rsgi__(self, _scope: Any, protocol: Any) -> None:
        """Answer every request with the upstream's answer."""
        request = orjson.loads(await protocol())
        request["model"] = "mock"
        if request.get("stream"):
            await rsgi_stream(orjson.dumps(request), protocol)
            return
        status, answer = await WHOLE(orjson.dumps(request))
        tokens = orjson.loads(answer)["usage"]["total_tokens"]
        protocol.response_bytes(status, [("content-type", "application/json"), ("x-tokens", str(tokens))], answer)


rsgi = Rsgi()


async def rsgi_stream(body: bytes, protocol: Any) -> None:
    """As `stream`."""
    tokens, transport = 0, None
    async for chunk in CHUNKS(body):
        if transport is None:
            transport = protocol.response_stream(200, [("content-type", "text/event-stream; charset=utf-8")])
        if (at := chunk.find(b'"usage":{')) >= 0:
            tokens = orjson.loads(chunk[at + 8 : chunk.index(b"}", at) + 1])["total_tokens"]
        await transport.send_bytes(chunk)
    assert tokens, "a stream without usage"


async def stream(body: bytes, send: Send) -> None:
    """Forward a stream chunk by chunk, looking for the usage as it passes."""
    tokens, started = 0, False
    async for chunk in CHUNKS(body):
        if not started:
            started = True
            headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        if (at := chunk.find(b'"usage":{')) >= 0:
            tokens = orjson.loads(chunk[at + 8 : chunk.index(b"}", at) + 1])["total_tokens"]
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    assert tokens, "a stream without usage"
