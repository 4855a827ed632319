"""Bodies that came compressed."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.upstream.client import TransportError
from router.upstream.inflate import Inflate, coded


def read(inflate: Inflate, most: int) -> bytes:
    read = bytearray()
    while piece := inflate.take(most):
        assert len(piece) <= most
        read += piece
    return bytes(read)


@given(st.binary(max_size=2000), st.booleans(), st.integers(1, 50), st.integers(1, 3000))
def test_any_body_survives_however_it_was_cut(body: bytes, zipped: bool, step: int, most: int) -> None:  # noqa: FBT001
    packed, inflate, plain = (gzip if zipped else zlib).compress(body), Inflate(), b""
    for at in range(0, len(packed), step):
        inflate.feed(packed[at : at + step])
        plain += read(inflate, most)
    inflate.finish()
    assert plain == body


def test_an_event_can_be_read_as_soon_as_it_was_flushed() -> None:
    packer, inflate = zlib.compressobj(wbits=31), Inflate()
    inflate.feed(packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH))
    assert inflate.take() == b"data: 1\n\n"
    assert inflate.take() == b""
    inflate.feed(packer.compress(b"data: 2\n\n") + packer.flush())
    assert inflate.take() == b"data: 2\n\n"
    inflate.finish()


def test_a_small_body_that_grows_enormous_is_given_in_bounded_pieces() -> None:
    inflate = Inflate()
    inflate.feed(gzip.compress(b"\0" * 50_000_000))
    assert len(inflate.take(1000)) == 1000


def test_a_body_cut_short_is_noticed() -> None:
    inflate = Inflate()
    inflate.feed(gzip.compress(b"hello")[:-1])
    assert inflate.take() == b"hello"
    with pytest.raises(TransportError, match="cut short"):
        inflate.finish()


@pytest.mark.parametrize(
    "body", [b"hello", gzip.compress(b"hello") + b"surplus", b"\x1f\x8b\x08\x00damaged, all of it"]
)
def test_a_body_that_is_not_what_it_says_is_malformed(body: bytes) -> None:
    inflate = Inflate()
    inflate.feed(body)
    with pytest.raises(TransportError) as caught:
        read(inflate, 100)
    assert caught.value.kind == "malformed"


def test_headers_stop_saying_what_is_no_longer_so() -> None:
    headers = {"content-encoding": "GZip", "content-length": "9", "content-type": "x"}
    assert coded(headers)
    assert headers == {"content-type": "x"}


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}, {"content-encoding": ""}])
def test_a_plain_body_is_left_alone(headers: dict[str, str]) -> None:
    before = dict(headers)
    assert not coded(headers)
    assert headers == before


def test_a_coding_nobody_asked_for_is_malformed() -> None:
    with pytest.raises(TransportError, match="'br'") as caught:
        coded({"content-encoding": "br"})
    assert caught.value.kind == "malformed"
