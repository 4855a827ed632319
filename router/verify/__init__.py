"""Is this answer good enough to send, or must a stronger tier try?

A `Check` looks at one choice of a finished answer and gives the reason why it is not good enough, or nothing. `judge`
asks a tier's checks in their order, cheapest first, and comes to a `Verdict`. While a stream is held back, `Watching`
follows it chunk by chunk and says as soon as no ending could save it; what it says, `judge` says of the whole answer
too. Everything here is a pure function of values.
"""

from router.verify.checks import KINDS, compiled
from router.verify.verdict import ACCEPTED, Check, Verdict, judge
from router.verify.watching import Watching

__all__ = ["ACCEPTED", "KINDS", "Check", "Verdict", "Watching", "compiled", "judge"]
