"""What is recorded, as the policy says: a view of outcomes, and of what is learned about them later."""

from collections.abc import Callable, Mapping
from typing import Any

from router.chat import ChatRequest, Completion
from router.clock import Clock
from router.outcome import Aside, Evidence, Outcome
from router.plan import Plan
from router.records import content as contents
from router.records import line
from router.records.content import Content
from router.records.line import Feedback
from router.records.writer import Keeping, Writer

__all__ = ["Recorder"]


class Recorder:
    """Hands lines to a writer; every method belongs to the event loop's thread, costs microseconds and never fails."""

    def __init__(
        self, keeping: Keeping, content: Content, clock: Clock, tell: Callable[[str], None] = lambda _message: None
    ) -> None:
        """Begin to record; `tell` hears when records cannot be written."""
        self.keeping = keeping
        self.content: Content = content
        self._clock = clock
        self._writer = Writer(keeping, clock, tell)
        self._ladders: Mapping[str, tuple[str, ...]] = {}

    @property
    def dropped(self) -> int:
        """How many records were lost: the disk was too slow, full or gone for longer than memory allows."""
        return self._writer.dropped

    def outcome(self, outcome: Outcome, baseline: float | None = None) -> None:
        """Record one request, once it has ended; `baseline` is what the last tier alone would have cost."""
        if outcome.operation != "chat":
            self._writer.append(line.of_embeddings(outcome))
            return
        made = line.of_outcome(outcome, self._ladders.get(outcome.route or "", ()), baseline)
        if self.content == "none" or outcome.request is None or outcome.route is None:
            self._writer.append(made)
            return
        size = contents.size_of(outcome.signals.tokens if outcome.signals else 0, outcome.answer)
        if size > contents.MOST:
            self._writer.append(made)
            return
        self._with_content(made, outcome.request, outcome.answer, size)

    def _with_content(self, made: bytes, request: ChatRequest, answer: Completion | None, size: int) -> None:
        """Leave what takes long, looking for personal data, to the writing thread."""
        content = self.content
        self._writer.append_later(
            lambda: contents.within(made, contents.shown(content, request, answer)), len(made) + size
        )

    def feedback(self, feedback: Feedback) -> None:
        """Record what somebody says about an answer."""
        correction = contents.text(self.content, feedback.correction)
        self._writer.append(line.of_feedback(feedback, now=self._clock.wall(), correction=correction))

    def evidence(self, evidence: Evidence) -> None:
        """Record what was found out about a tier's answer."""
        self._writer.append(line.of_evidence(evidence, now=self._clock.wall()))

    def aside(self, aside: Aside) -> None:
        """Record a call that no client waited for."""
        self._writer.append(line.of_aside(aside, now=self._clock.wall()))

    def move(self, move: Mapping[str, Any]) -> None:
        """Record a threshold that moved, with why."""
        self._writer.append(line.of_move(move, now=self._clock.wall()))

    def serve(self, plan: Plan) -> None:
        """Record which plan is in force from now on."""
        self._ladders = {name: tuple(rung.tier.name for rung in route.cascade) for name, route in plan.routes.items()}
        self._writer.head(lambda now: line.of_plan(plan, now=now))

    def close(self) -> None:
        """Write what waits, and stop."""
        self._writer.close()
