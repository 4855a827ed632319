"""Is this answer good enough to send, or must a stronger tier try?

A `Check` looks at one choice of a finished answer and gives the reason why it is not good enough, or nothing. `judge`
asks a tier's checks in their order, cheapest first, and comes to a `Verdict`. While a stream is held back, `Watching`
follows it chunk by chunk and says as soon as no ending could save it; what it says, `judge` says of the whole answer
too. `usable` says whether an answer that did not pass is better than none. Everything here is a pure function of
values; what a `judge` thinks is fetched by whoever asks deployments, and handed in.
"""

from router.verify.checks import KINDS, compiled
from router.verify.judged import Judge, score
from router.verify.verdict import ACCEPTED, Check, Verdict, judge, usable
from router.verify.watching import Watching

__all__ = ["ACCEPTED", "KINDS", "Check", "Judge", "Verdict", "Watching", "compiled", "judge", "score", "usable"]
