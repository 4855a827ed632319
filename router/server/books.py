"""Who writes down what happened: metrics, records and decisions, of requests and of what is learned about them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from router.baseline import Baselines
from router.clock import Clock
from router.log import say
from router.metrics import Metrics
from router.outcome import Aside, Evidence, Outcome
from router.plan import Plan
from router.policy import Policy
from router.records import Feedback, Keeping, Recorder
from router.server.decisions import Decisions
from router.server.feedback import Intake, Taken

__all__ = ["Books"]


class Books:
    """Sinks of outcomes and of evidence: called on the event loop, cheap, and never raising."""

    def __init__(self, metrics: Metrics, decisions: Decisions, intake: Intake, clock: Clock) -> None:
        self._metrics = metrics
        self._decisions = decisions
        self._intake = intake
        self.learners: list[Callable[[Evidence], None]] = []
        """Who else wants to know what was found out about a tier's answer."""
        self._clock = clock
        self._baselines = Baselines()
        self._recorder: Recorder | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def adopt(self, policy: Policy, plan: Plan) -> None:
        """Record as this policy says from now on."""
        self._decisions.serve(policy.state.decisions)
        self._baselines.serve(plan)
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
        self._decisions.remember(outcome)
        if (baseline := self._baselines.of(outcome)) is not None:
            self._metrics.baseline(outcome.route or "", baseline)
        if (recorder := self._recorder) is not None:
            recorder.outcome(outcome, baseline)
            self._metrics.records_dropped(recorder.dropped)

    def feedback(self, feedback: Feedback, evidence: Evidence | None, taken: Taken, agreed: bool | None) -> None:  # noqa: FBT001  as `Count`
        """Write down what somebody says about an answer, what it says of a tier, and whether a judge had said so."""
        result = "told" if taken == "counted" else taken
        self._metrics.feedback(feedback.route or "", feedback.source, result)
        if agreed is not None:
            self._metrics.agreement(feedback.route or "", agreed=agreed)
        if evidence is not None:
            self._learn(evidence)
        if self._recorder is not None:
            self._recorder.feedback(feedback)

    def evidence(self, evidence: Evidence) -> None:
        """Write down what was found out about a tier's answer."""
        if evidence.source == "judge" and evidence.measure == "quality":
            self._intake.judged(evidence)
        self._learn(evidence)
        if self._recorder is not None:
            self._recorder.evidence(evidence)

    def move(self, move: Mapping[str, Any]) -> None:
        """Write down a threshold that control moved, or would have."""
        if self._recorder is not None:
            self._recorder.move(move)

    def aside(self, aside: Aside) -> None:
        """Write down a call that no client waited for."""
        self._metrics.aside(aside)
        if self._recorder is not None and aside.usage is not None:
            self._recorder.aside(aside)

    def _learn(self, evidence: Evidence) -> None:
        for learn in self.learners:
            learn(evidence)

    async def aclose(self) -> None:
        """See that what was recorded is on the disk."""
        await asyncio.gather(*self._closing)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
