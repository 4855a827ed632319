"""The circuit breaker of one deployment, as a value: what it was, what happened, what it is now.

Closed until `failures` attempts in a row have failed; then open for `open_for` seconds, in which nothing is sent;
then half open: one probe at a time, whose result closes it or opens it again.
(Nygard, *Release It!*, 2007, "Circuit Breaker".)
"""

from dataclasses import replace

from router.frozen import frozen

__all__ = ["CLOSED", "Breaker"]


@frozen
class Breaker:
    """How one deployment has fared lately. Times are seconds on one monotonic clock."""

    failed: int = 0
    """Attempts failed in a row."""
    open_until: float | None = None
    """When the next probe may go; None while closed."""
    probing: bool = False
    """Whether that probe is out."""

    def allows(self, now: float) -> bool:
        """Whether an attempt may be sent now."""
        return self.open_until is None or (now >= self.open_until and not self.probing)

    def sent(self) -> "Breaker":
        """An attempt is on its way: the probe, when this is half open."""
        return self if self.open_until is None else replace(self, probing=True)

    def succeeded(self) -> "Breaker":
        """An attempt was answered."""
        return CLOSED

    def abandoned(self) -> "Breaker":
        """An attempt ended without telling anything, such as one whose client left: the next may probe."""
        return replace(self, probing=False) if self.probing else self

    def after_failure(self, now: float, *, failures: int, open_for: float) -> "Breaker":
        """An attempt failed: open when it was a probe, or the last of `failures` in a row."""
        failed = self.failed + 1
        if self.probing or failed >= failures:
            return Breaker(failed, now + open_for)
        return replace(self, failed=failed)


CLOSED = Breaker()
