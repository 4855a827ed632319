"""Who writes down what happened: metrics, records and decisions, of requests and of what is learned about them.

Outcomes are written down a few at a time, a moment after their clients have heard: one book after the other for sixteen
requests makes each request, all in all, a tenth cheaper than every book for each. What the only client there is has
left behind is written down while its next request waits for a deployment, and not while the client waits for us.
Whoever looks into a book meanwhile finds everything, because what lies there is written down first.
"""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

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

_MOMENT: Final = 0.005
"""Seconds for which an outcome may lie there."""
_FEW: Final = 16
"""Outcomes that are written down at once, at the latest: half a millisecond in which no request moves."""


class Books:
    """Sinks of outcomes and of evidence: called on the event loop, cheap, and never raising."""

    def __init__(
        self,
        metrics: Metrics,
        decisions: Decisions,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._decisions = decisions
        metrics.settle = decisions.settle = self.settle
        self._waiting: list[Outcome] = []
        self._settling: asyncio.Handle | None = None
        self.others: list[Callable[[Outcome], None]] = []
        """Who else writes down requests."""
        self._intake = intake
        self.learners: list[Callable[[Evidence], None]] = []
        """Who else wants to know what was found out about a tier's answer."""
        self._clock = clock
        self._baselines = Baselines()
        self._recorder: Recorder | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def adopt(self, policy: Policy, plan: Plan) -> None:
        """Record as this policy says from now on."""
        self.settle()
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
        """Take one request that has ended, to be written down in a moment."""
        self._waiting.append(outcome)
        if len(self._waiting) >= _FEW:
            self.settle()
        elif self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(_MOMENT, self._settle_later)

    def meanwhile(self) -> None:
        """Write down what lies there once what this turn of the loop sends has been sent."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self.settle)

    def _settle_later(self) -> None:
        self._settling = None
        self.settle()

    def settle(self) -> None:
        """Write down what lies there, now."""
        if not self._waiting:
            return
        ended, self._waiting = self._waiting, []
        for write in (self._metrics.record, self._decisions.remember, self._record, *self.others):
            for outcome in ended:
                try:
                    write(outcome)
                except Exception:  # noqa: BLE001  a book that is at fault keeps no other from being written
                    say(f"internal error: {traceback.format_exc()}")
        if self._recorder is not None:
            self._metrics.records_dropped(self._recorder.dropped)

    def _record(self, outcome: Outcome) -> None:
        if (baseline := self._baselines.of(outcome)) is not None:
            self._metrics.baseline(outcome.route or "", baseline)
        if self._recorder is not None:
            self._recorder.outcome(outcome, baseline)

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
        self.settle()
        if evidence.source == "judge" and evidence.measure == "quality":
            self._intake.judged(evidence)
        self._learn(evidence)
        if self._recorder is not None:
            self._recorder.evidence(evidence)

    def move(self, move: Mapping[str, Any]) -> None:
        """Write down a threshold that control moved, or would have."""
        self.settle()
        if self._recorder is not None:
            self._recorder.move(move)

    def aside(self, aside: Aside) -> None:
        """Write down a call that no client waited for."""
        self.settle()
        self._metrics.aside(aside)
        if self._recorder is not None and aside.usage is not None:
            self._recorder.aside(aside)

    def _learn(self, evidence: Evidence) -> None:
        for learn in self.learners:
            learn(evidence)

    async def aclose(self) -> None:
        """Write down what lies there, and see that what was recorded is on the disk."""
        self.settle()
        if self._settling is not None:
            self._settling.cancel()
        await asyncio.gather(*self._closing)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
