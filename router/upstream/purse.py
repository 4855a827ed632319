"""What one request may still cost: answers that were paid for are taken off, and nobody is asked who is too dear."""

from collections.abc import Iterable
from dataclasses import replace

from router.chat import Usage
from router.decide import Decision, Step
from router.plan import Deployment
from router.pricing import cost

__all__ = ["Purse"]


class Purse:
    """The money of one request, in US dollars; without a budget there is no end of it.

    A failed call is taken to cost nothing, as providers bill it. What nobody knows the price of can always be paid.
    """

    __slots__ = ("_decision", "_left")

    def __init__(self, decision: Decision) -> None:
        self._left = decision.budget
        self._decision = decision

    def pay(self, deployment: Deployment, usage: Usage | None) -> None:
        """Take off what an answer cost; one that did not say what it took, what it was expected to cost."""
        if self._left is not None:
            self._left -= cost(deployment.price, usage or self._decision.expects(deployment)) or 0.0

    def affords(self, deployment: Deployment, added: int = 0) -> bool:
        """Whether an answer from here is expected to cost no more than is left; a prompt may add tokens to it."""
        if self._left is None:
            return True
        expected = self._decision.expects(deployment)
        expected = replace(expected, input=max(0, expected.input + added))
        return (cost(deployment.price, expected) or 0.0) <= self._left

    def affords_any(self, steps: Iterable[Step]) -> bool:
        """Whether any deployment of these tiers can be paid."""
        return any(self.affords(deployment) for step in steps for deployment in step.deployments)
