"""Who writes down what happened: metrics and records, of requests and of what is learned about them later."""

import asyncio

from router.clock import Clock
from router.log import say
from router.metrics import Metrics
from router.outcome import Evidence, Outcome
from router.plan import Plan
from router.policy import Policy
from router.records import Keeping, Recorder

__all__ = ["Books"]


class Books:
    """Sinks of outcomes and of evidence: called on the event loop, cheap, and never raising."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._recorder: Recorder | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def adopt(self, policy: Policy, plan: Plan) -> None:
        """Record as this policy says from now on."""
        before, spec = self._recorder, policy.records
        keeping = Keeping(policy.path(spec.path), spec.retention, spec.segment, spec.flush) if spec else None
        if before is None or spec is None or (before.keeping, before.content) != (keeping, spec.content):
            self._recorder = Recorder(keeping, spec.content, self._clock, say) if keeping and spec else None
        if self._recorder is not None:
            self._recorder.serve(plan)
        if before is not None and before is not self._recorder:
            closing = asyncio.get_running_loop().run_in_executor(None, before.close)
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def outcome(self, outcome: Outcome) -> None:
        """Write down one request, once it has ended."""
        self._metrics.record(outcome)
        if (recorder := self._recorder) is not None:
            recorder.outcome(outcome)
            self._metrics.records_dropped(recorder.dropped)

    def evidence(self, evidence: Evidence) -> None:
        """Write down what was found out about a tier's answer."""
        if self._recorder is not None:
            self._recorder.evidence(evidence)

    async def aclose(self) -> None:
        """See that what was recorded is on the disk."""
        await asyncio.gather(*self._closing)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
