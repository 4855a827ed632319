"""The door to control-plane HTTP, against servers of the test's own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from router.web import Unreachable, get, post

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi"


@asynccontextmanager
async def serving(answer: bytes, seen: list[bytes], trust: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=trust)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"https://localhost:{port}" if trust else f"http://127.0.0.1:{port}"


async def test_an_answer_is_its_bytes() -> None:
    seen: list[bytes] = []
    async with serving(OK, seen) as url:
        assert await get(f"{url}/api", query={"query": "up == 1"}, token="t0ken") == b"hi"

    assert seen[0].startswith(b"GET /api?query=up+%3D%3D+1 ") or seen[0].startswith(b"GET /api?query=up%20%3D%3D%201 ")
    assert b"authorization: bearer t0ken" in seen[0].lower()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nlate", "answers 503, not 200: late"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "answers 302, not 200"),
        (b"hello\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", "cannot be reached"),
    ],
)
async def test_what_is_no_answer_is_told_with_its_address(answer: bytes, told: str) -> None:
    async with serving(answer, []) as url:
        with pytest.raises(Unreachable, match=told) as raised:
            await get(url)

    assert url in str(raised.value)


async def test_a_closed_port_is_told() -> None:
    async with serving(OK, []) as url:
        pass

    with pytest.raises(Unreachable, match="cannot be reached"):
        await get(url)


async def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(Unreachable):
        await get("http://[nowhere")


async def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.web._LARGEST", 1)
    async with serving(OK, []) as url:
        with pytest.raises(Unreachable, match="more than"):
            await get(url)


async def test_an_authority_of_ones_own_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    authority, trust = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(trust)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with serving(OK, [], trust) as url:
        assert await get(url, ca=tmp_path / "ca.pem") == b"hi"
        with pytest.raises(Unreachable, match="certificate"):
            await get(url)


async def test_certificates_that_are_no_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="No such file"):
        await get("https://localhost:1", ca=tmp_path / "none.pem")


async def test_something_is_sent_as_json_or_as_a_form() -> None:
    seen: list[bytes] = []
    async with serving(OK, seen) as url:
        assert await post(f"{url}/api", {"a": 1}) == b"hi"
        assert await post(f"{url}/api", {"query": "up"}, form=True) == b"hi"

    assert b"content-type: application/json" in seen[0].lower()
    assert b"content-type: application/x-www-form-urlencoded" in seen[1].lower()
