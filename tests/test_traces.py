"""Spans of a request: one for it, one for each attempt, and none with what was said."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.demo.answers import Answer
from router.settings import Settings
from router.traceparent import CALLS, TOKEN_BYTES, Trace
from router.traces import Traces, wanted
from tests.plans import plan
from tests.proxy import proxy
from tests.talking import talk
from tests.test_outcome import CUT, DOWN, GOOD, SERVED

TRACE = Trace.of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", bytes(range(TOKEN_BYTES)))
BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "a secret"}]}'


class Kept:
    """A span processor that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.on_end = self.spans.append

    def shutdown(self) -> None:
        self.spans.append(None)

    def named(self, name: str) -> Any:
        (found,) = (span for span in self.spans if span.name == name)
        return found


@pytest.fixture
def kept() -> Kept:
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
    return Kept()


@pytest.mark.parametrize(
    ("environment", "are"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_traces_are_off_until_somebody_takes_them(environment: dict[str, str], are: bool) -> None:  # noqa: FBT001
    assert wanted(environment) is are


async def test_a_request_s_spans_tell_what_happened_and_when(kept: Kept) -> None:
    traces = Traces({}, kept)
    traces.serve(plan())
    attempts = (replace(CUT, since=0.1, waited=0.4), replace(GOOD, since=0.5, waited=0.75, first=0.2))
    traces.record(replace(SERVED, attempts=attempts, trace=TRACE, cache="miss"))
    request = kept.named("POST /v1/chat/completions")
    assert f"{request.context.trace_id:032x}" == TRACE.id
    assert f"{request.parent.span_id:016x}" == TRACE.parent
    assert request.attributes["smallfirst.path"] == "tuned:truncated,frontier:ok"
    assert request.end_time - request.start_time == 1_500_000_000
    model = plan().deployments["big"].model
    last = kept.named(f"chat {model}")
    assert f"{last.context.span_id:016x}" == TRACE.child(CALLS + 1)
    assert last.parent.span_id == request.context.span_id
    assert last.attributes["gen_ai.usage.output_tokens"] == 30
    assert last.attributes["gen_ai.response.time_to_first_chunk"] == 0.2
    assert (last.start_time - request.start_time, last.end_time - request.start_time) == (500_000_000, 1_250_000_000)
    assert kept.named("cache").attributes["smallfirst.cache"] == "miss"
    assert [s.attributes["smallfirst.verdict"] for s in kept.spans if s.name == "check"] == ["truncated", "ok"]
    await traces.aclose()
    assert kept.spans[-1] is None


async def test_what_failed_says_so(kept: Kept) -> None:
    traces = Traces({}, kept)
    traces.record(replace(SERVED, attempts=(DOWN,), end="error", status=502, error="upstream_failed", trace=TRACE))
    request, attempt = kept.spans
    assert (request.status.is_ok, attempt.attributes["error.type"]) == (False, "status_503")
    assert request.attributes["error.type"] == "upstream_failed"


async def test_embeddings_go_by_their_own_name_and_are_not_checked(kept: Kept) -> None:
    traces = Traces({}, kept)
    traces.serve(plan())
    traces.record(replace(SERVED, attempts=(GOOD,), operation="embeddings", trace=TRACE))
    call = kept.named("embeddings b")
    assert call.attributes["gen_ai.operation.name"] == "embeddings"
    assert "gen_ai.usage.output_tokens" not in call.attributes
    assert kept.named("POST /v1/embeddings").attributes["http.route"] == "/v1/embeddings"
    assert not [span for span in kept.spans if span.name == "check"]


async def test_what_is_not_kept_makes_no_spans(kept: Kept) -> None:
    traces = Traces({"OTEL_TRACES_SAMPLER_ARG": "half"}, kept)
    traces.record(SERVED)
    traces.record(replace(SERVED, trace=replace(TRACE, sampled=False)))
    assert (kept.spans, traces.rate) == ([], 1.0)
    assert Traces({"OTEL_TRACES_SAMPLER_ARG": "0.25"}, kept).rate == 0.25


async def test_a_client_s_trace_reaches_the_deployment(tmp_path: Path, kept: Kept) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served:
        traces, pipeline = Traces({}, kept), served.service.pipeline
        pipeline.traced, pipeline._sinks = 1.0, (*pipeline._sinks, traces.record)
        headers = {"host": "x", "content-length": str(len(BODY)), "traceparent": f"00-{TRACE.id}-{TRACE.parent}-01"}
        async with talk(served.base_url) as client:
            assert (await client.say("POST", "/v1/chat/completions", headers, BODY)).status == 200
        (seen,) = served.tuned.requests
        attempt = next(span for span in kept.spans if span.name.startswith("chat"))
        assert seen.headers["traceparent"] == f"00-{TRACE.id}-{attempt.context.span_id:016x}-01"
        assert "a secret" not in str([span.to_json() for span in kept.spans])


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_say_their_trace_while_somebody_traces_and_nothing_else(tmp_path: Path, stream: bool) -> None:  # noqa: FBT001
    body = BODY.replace(b"{", b'{"stream": true, ', 1) if stream else BODY
    headers = {"host": "x", "content-length": str(len(body)), "traceparent": f"00-{TRACE.id}-{TRACE.parent}-01"}
    async with proxy(tmp_path, Answer(text="hi")) as served, talk(served.base_url) as client:
        assert (await client.say("POST", "/v1/chat/completions", headers, body)).status == 200
        served.service.pipeline.traced = 1.0
        assert (await client.say("POST", "/v1/chat/completions", headers, body)).status == 200
        silent, traced = served.tuned.requests
    assert "traceparent" not in silent.headers
    assert traced.headers["traceparent"].startswith(f"00-{TRACE.id}-")
    assert traced.headers["traceparent"] != headers["traceparent"]


async def test_without_the_extra_none_are_sent_and_requests_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.resources", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    async with proxy(tmp_path, Answer(text="hi")) as served:
        assert served.service.pipeline.traced is None
    assert "pip install 'smallfirst[otel]'" in capsys.readouterr().err
    assert wanted(Settings.read().environment)
