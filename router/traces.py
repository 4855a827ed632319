"""The outcome, as spans: a view of finished requests for OpenTelemetry, and the only door to its SDK (extra `otel`).

One span for each request and one for each attempt; checks and the look into the cache, of which an outcome knows what
they said and not how long they took, are spans without a length. No prompt, answer or key is ever in them. Spans are
handed to the SDK's queue when a request has ended; a thread sends them, and what does not fit is dropped.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from threading import Thread
from typing import Any, Final

from router.outcome import Attempt, Operation, Outcome
from router.plan import Plan
from router.traceparent import CALLS, Trace

__all__ = ["Traces", "wanted"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NANOSECONDS: Final = 1_000_000_000
_PATHS: Mapping[Operation, str] = {"chat": "/v1/chat/completions", "embeddings": "/v1/embeddings"}
_CACHE, _CHECKS = 0, 1_000
"""Where the numbers of a request's spans begin, by what they are of; those of calls are in `traceparent`."""

Value = str | int | float | bool


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether somebody is there to take traces, in OpenTelemetry's own variables."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(environment.get(name) for name in _ENDPOINTS)


class Traces:
    """Spans of finished requests, sent by OTLP over HTTP."""

    def __init__(self, environment: Mapping[str, str], processor: Any = None) -> None:
        """Send to where the environment says, or to a span processor of the caller's.

        Raises:
            ImportError: the extra is missing.
        """
        from opentelemetry.sdk.resources import Resource

        if processor is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            processor = BatchSpanProcessor(OTLPSpanExporter())
        name = environment.get("OTEL_SERVICE_NAME") or "smallfirst"
        self._resource = Resource.create({"service.name": name})
        self._processor = processor
        self._models: dict[str, tuple[str, str]] = {}
        self.rate = _share(environment.get("OTEL_TRACES_SAMPLER_ARG", ""))
        """Of the traces that begin here, how many are kept."""

    def serve(self, plan: Plan) -> None:
        """Know the models behind the deployments of this plan."""
        for name, deployment in plan.deployments.items():
            self._models[name] = (deployment.provider or "openai", deployment.model)

    def record(self, outcome: Outcome) -> None:
        """Send one request's spans, once it has ended."""
        trace = outcome.trace
        if trace is None or not trace.sampled:
            return
        from opentelemetry.trace import SpanKind

        begun = int(outcome.started * _NANOSECONDS)
        span = _Spans(trace, self._resource, begun, self._processor.on_end)
        status = outcome.status if outcome.end == "error" and outcome.status >= 500 else 0
        failed = str(outcome.error or status) if status or outcome.end == "broken" else None
        own = {name: value for name, value in _of_request(outcome) if value is not None}
        span.add(
            f"POST {_PATHS[outcome.operation]}", None, (0.0, outcome.seconds), own, kind=SpanKind.SERVER, failed=failed
        )
        if outcome.cache != "off":
            span.add("cache", _CACHE, (0.0, 0.0), {"smallfirst.cache": outcome.cache})
        for number, attempt in enumerate(outcome.attempts):
            self._attempt(span, number, attempt, outcome.operation, SpanKind.CLIENT)

    def _attempt(self, span: "_Spans", number: int, attempt: Attempt, asked: Operation, kind: Any) -> None:
        provider, model = self._models.get(attempt.deployment, ("", ""))
        failed = attempt.verdict if attempt.result == "failed" else None
        told: dict[str, Value] = {
            "gen_ai.operation.name": asked,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "smallfirst.tier": attempt.tier,
            "smallfirst.deployment": attempt.deployment,
            "smallfirst.result": attempt.result,
            "smallfirst.verdict": attempt.verdict,
        }
        if attempt.usage is not None:
            told["gen_ai.usage.input_tokens"] = attempt.usage.input
            if asked == "chat":
                told["gen_ai.usage.output_tokens"] = attempt.usage.output
        if attempt.first is not None:
            told["gen_ai.response.time_to_first_chunk"] = attempt.first
        if attempt.cost is not None:
            told["smallfirst.cost_usd"] = attempt.cost
        end = attempt.since + attempt.waited
        span.add(f"{asked} {model}", CALLS + number, (attempt.since, end), told, kind=kind, failed=failed)
        if attempt.result in {"served", "escalated"} and asked == "chat":
            said: dict[str, Value] = {"smallfirst.tier": attempt.tier, "smallfirst.verdict": attempt.verdict}
            span.add("check", _CHECKS + number, (end, end), said)

    async def aclose(self, patience: float = 2.0) -> None:
        """Send what waits, and stop; what nobody has taken within `patience` seconds is dropped."""
        sending = Thread(target=self._processor.shutdown, name="traces", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, patience)


class _Spans:
    """The spans of one request, each made when it is known."""

    __slots__ = ("_begun", "_end", "_resource", "_trace")

    def __init__(self, trace: Trace, resource: Any, begun: int, end: Callable[[Any], None]) -> None:
        self._trace = trace
        self._resource = resource
        self._begun = begun
        self._end = end

    def add(
        self,
        name: str,
        number: int | None,
        seconds: tuple[float, float],
        told: Mapping[str, Value],
        *,
        kind: Any = None,
        failed: str | None = None,
    ) -> None:
        """Add one; without a number it is the request's own. `seconds`: from the request's beginning."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind, Status, StatusCode

        trace = self._trace
        span, parent = (trace.span, trace.parent) if number is None else (trace.child(number), trace.span)
        start, end = (self._begun + int(second * _NANOSECONDS) for second in seconds)
        self._end(
            ReadableSpan(
                name,
                _context(trace, span),
                _context(trace, parent, remote=number is None) if parent else None,
                self._resource,
                attributes={**told, "error.type": failed} if failed else dict(told),
                kind=kind or SpanKind.INTERNAL,
                status=Status(StatusCode.ERROR, failed) if failed else Status(StatusCode.UNSET),
                start_time=start,
                end_time=end,
            )
        )


def _context(trace: Trace, span: str, *, remote: bool = False) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace.id, 16), int(span, 16), remote, TraceFlags(TraceFlags.SAMPLED))


def _of_request(outcome: Outcome) -> Iterator[tuple[str, Value | None]]:
    """What the request's own span tells."""
    decision, heard = outcome.decision, outcome.heard
    yield "http.request.method", "POST"
    yield "http.route", _PATHS[outcome.operation]
    yield "http.response.status_code", outcome.status
    yield "smallfirst.request_id", outcome.id
    yield "smallfirst.route", outcome.route
    yield "smallfirst.policy", outcome.policy
    yield "smallfirst.stream", outcome.stream
    yield "smallfirst.end", outcome.end
    yield "smallfirst.cache", outcome.cache
    yield "smallfirst.path", outcome.path or None
    yield "smallfirst.tier", heard.tier if heard else None
    yield "smallfirst.overhead_seconds", outcome.overhead
    yield "smallfirst.cost_usd", outcome.cost if heard else None
    if decision is not None:
        yield "smallfirst.start", decision.start
        yield "smallfirst.reason", decision.reason
        yield "smallfirst.difficulty", decision.difficulty
        yield "smallfirst.threshold", decision.threshold


def _share(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
