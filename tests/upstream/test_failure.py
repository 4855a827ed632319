"""Why a deployment did not answer, what may be done about it, and what the client is told."""

import ast
from pathlib import Path

import orjson
import pytest

import router
from router.errors import Relayed, UpstreamFailed, UpstreamTimedOut
from router.upstream.failure import REASONS, Failure, from_event, from_status, is_failure, problem

ENVELOPE = b'{"error": {"message": "m", "code": "c"}}'


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        *((400, "rejected"), (413, "rejected"), (422, "rejected")),
        *((401, "status_401"), (429, "status_429"), (529, "status_529")),
        *((418, "status_4xx"), (507, "status_5xx"), (302, "status_3xx"), (204, "status_2xx"), (700, "status_7xx")),
    ],
)
def test_a_reason_is_one_of_a_few_words(status: int, reason: str) -> None:
    assert from_status(status, {}, b"").reason == reason


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "too long", "code": "context_length_exceeded"}}',
        b'{"error": {"type": "exceed_context_size_error", "code": 400}}',
        b'{"object": "error", "message": "This model\'s maximum context length is 4096 tokens."}',
    ],
)
def test_a_window_that_is_too_small_is_known_in_three_dialects(body: bytes) -> None:
    failure = from_status(400, {}, body)
    assert failure.too_long
    assert failure.final
    assert not from_status(500, {}, body).too_long


@pytest.mark.parametrize(
    ("failure", "called", "again", "blames"),
    [
        (Failure("status_500", 500), True, True, True),
        (Failure("reset"), True, True, True),
        (Failure("malformed", 200), True, True, True),
        (Failure("timeout"), True, False, True),
        (Failure("rejected", 400), True, True, False),
        (Failure("full"), False, False, False),
        (Failure("open"), False, False, False),
    ],
)
def test_what_may_be_done_about_it(failure: Failure, *, called: bool, again: bool, blames: bool) -> None:
    assert (failure.called, failure.again, failure.blames_deployment) == (called, again, blames)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0.5", 0.5), ("30", 30.0), ("", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", float("inf"))]
)
def test_how_long_it_asked_to_be_left_alone(text: str, seconds: float) -> None:
    assert from_status(429, {"retry-after": text}, b"").retry_after == seconds


@pytest.mark.parametrize("status", [400, 413, 422, 429, 500, 503, 529])
def test_an_error_object_is_relayed_as_it_is_with_few_of_its_headers(status: int) -> None:
    headers = {"content-type": "application/json", "retry-after": "3", "set-cookie": "secret", "server": "x"}
    told = problem(from_status(status, headers, ENVELOPE), "frontier")
    assert isinstance(told, Relayed)
    assert (told.status, told.body(), told.headers) == (
        status,
        ENVELOPE,
        {"content-type": "application/json", "retry-after": "3"},
    )


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_wrong_with_our_key_or_address_is_nobody_else_s_business(status: int) -> None:
    told = problem(from_status(status, {}, ENVELOPE), "frontier")
    assert isinstance(told, UpstreamFailed)
    assert (told.status, told.message) == (502, f"tier 'frontier' failed (status {status}), and nobody is left to ask")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_nor_is_it_when_a_stream_says_so(status: int) -> None:
    told = problem(from_event({"code": status, "message": "Incorrect API key: sk-ours"}), "frontier")
    assert (told.status, b"sk-ours" in told.body()) == (502, False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"error"', b'{"detail": "x"}'])
def test_a_status_without_an_error_object_gets_one(body: bytes) -> None:
    told = problem(from_status(503, {"retry-after": "3"}, body), "frontier")
    assert (told.status, told.headers) == (503, {"retry-after": "3"})
    assert orjson.loads(told.body())["error"]["code"] == "upstream_failed"


def test_what_is_wrong_with_the_request_is_relayed_in_any_shape() -> None:
    assert problem(from_status(422, {}, b'{"detail": "x"}'), "frontier").body() == b'{"detail": "x"}'
    assert problem(from_status(400, {}, b"<html>"), "frontier").status == 400


@pytest.mark.parametrize("reason", ["reset", "connect", "malformed", "unfinished"])
def test_no_status_is_a_bad_gateway(reason: str) -> None:
    told = problem(Failure(reason), "frontier")
    assert (told.status, reason in told.message) == (502, True)


def test_silence_is_a_gateway_timeout() -> None:
    assert isinstance(problem(Failure("timeout"), "frontier"), UpstreamTimedOut)


@pytest.mark.parametrize(
    ("error", "status"),
    [({"code": 429}, 429), ({"status": 503}, 503), ({"code": "overloaded"}, None), ({"code": 7}, None), ({}, None)],
)
def test_an_error_event_may_say_which_status_it_stands_for(error: dict[str, object], status: int | None) -> None:
    failure = from_event(error)
    assert (failure.reason, failure.status) == ("error_event", status)
    assert orjson.loads(failure.body) == {"error": error}


def test_every_failure_of_the_house_has_a_reason_that_is_known() -> None:
    house = Path(router.__file__).parent
    calls = [
        node
        for path in house.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Failure"
    ]
    written = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert len(written) > 5
    assert written <= REASONS


@pytest.mark.parametrize(
    ("verdict", "failure"), [("timeout", True), ("status_5xx", True), ("ok", False), ("truncated", False)]
)
def test_a_failure_is_no_escalation(verdict: str, *, failure: bool) -> None:
    assert is_failure(verdict) is failure
