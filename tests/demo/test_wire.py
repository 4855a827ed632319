"""Requests as they come over a socket, in one piece or in many."""

import asyncio

import pytest

from router.demo.wire import Received, chunk, head, read


async def received(data: bytes) -> tuple[Received | None, list[bytes]]:
    reader, sent = asyncio.StreamReader(), list[bytes]()
    reader.feed_data(data)
    reader.feed_eof()
    return await read(reader, sent.append), sent


async def test_a_body_of_known_length() -> None:
    request, _ = await received(b'POST /v1/x HTTP/1.1\r\nContent-Length: 7\r\nX-A:  b \r\n\r\n{"a":1}rest')
    assert request is not None
    assert (request.method, request.path, request.headers["x-a"], request.data) == ("POST", "/v1/x", "b", {"a": 1})


async def test_a_chunked_body_with_an_extension_and_a_trailer() -> None:
    body = b'4;x=y\r\n{"a"\r\n3\r\n:1}\r\n0\r\nX-T: 1\r\n\r\n'
    request, _ = await received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert request is not None
    assert request.data == {"a": 1}


async def test_a_client_that_expects_100_is_told_to_go_on() -> None:
    request, sent = await received(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
    assert request is not None
    assert sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]


@pytest.mark.parametrize("data", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}"])
async def test_a_client_that_closed_asks_nothing(data: bytes) -> None:
    assert (await received(data))[0] is None


async def test_what_is_not_http_is_an_error() -> None:
    with pytest.raises(ValueError, match="unpack"):
        await received(b"hello\r\n\r\n")


@pytest.mark.parametrize("body", [b"", b"{oops", b"[1]"])
def test_a_body_that_is_no_json_object_has_no_fields(body: bytes) -> None:
    assert Received("POST", "/", {}, body).data == {}
    assert Received("POST", "/", {}, body).messages == []


def test_a_head_declares_its_length_or_chunks() -> None:
    assert head(200, {"a": "b"}, length=3) == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 3\r\n\r\n"
    assert head(599, {}, length=None) == b"HTTP/1.1 599 Unknown\r\ntransfer-encoding: chunked\r\n\r\n"
    assert chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
