"""W3C trace context: continued where it can be read, begun where it cannot."""

import pytest

from router.traceparent import TOKEN_BYTES, Trace

TOKEN = bytes(range(1, TOKEN_BYTES + 1))
ID, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_client_s_trace_goes_on() -> None:
    trace = Trace.of(f"00-{ID}-{PARENT}-01", TOKEN)
    assert (trace.id, trace.parent, trace.span, trace.sampled) == (ID, PARENT, TOKEN[16:].hex(), True)


def test_a_client_that_keeps_no_trace_is_believed() -> None:
    trace = Trace.of(f"00-{ID}-{PARENT}-00", TOKEN)
    assert not trace.sampled
    assert trace.header(1).endswith(b"-00")


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert Trace.of(f"01-{ID}-{PARENT}-01-more", TOKEN).id == ID


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "nonsense", f"ff-{ID}-{PARENT}-01", f"00-{ID}-{PARENT}-01-more", f"00-{ID.upper()}-{PARENT}-01"),
        *(f"00-{'0' * 32}-{PARENT}-01", f"00-{ID}-{'0' * 16}-01", f"00-{ID}-{PARENT}"),
    ],
)
def test_what_cannot_be_read_begins_a_trace(header: str | None) -> None:
    trace = Trace.of(header, TOKEN)
    assert (trace.id, trace.parent, trace.sampled) == (TOKEN[:16].hex(), None, True)


@pytest.mark.parametrize(("rate", "kept"), [(0.0, False), (0.4, False), (0.6, True), (1.0, True)])
def test_of_the_traces_that_begin_here_a_share_is_kept(rate: float, kept: bool) -> None:  # noqa: FBT001
    half = bytes(8) + b"\x80" + bytes(7) + bytes(8)
    assert Trace.of(None, half, rate).sampled is kept


def test_a_call_says_the_id_that_its_span_will_have() -> None:
    trace = Trace.of(f"00-{ID}-{PARENT}-01", TOKEN)
    assert trace.header(2) == f"00-{ID}-{trace.child(2)}-01".encode()
    assert len({trace.child(number) for number in range(100)}) == 100
