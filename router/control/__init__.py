"""The next threshold, from measurements: declared objectives hold, on evidence. Pure.

::

    window      what was measured in one window, by start tier and band
    labels      sums of judged answers: all that is known about quality
    scale       the thresholds that may be chosen, and which part of every band starts low at each
    ground      aims, limits, and what a judgement is
    forecast    cost, latency and escalations of each candidate
    floor       does the quality floor hold here, there, and still?
    drift       is traffic still what the difficulty model knows?
    memory      what is remembered from one window to the next
    choice      which threshold next, and what forbids it
    judge       one window: all of it together
"""

from router.control.floor import Floor
from router.control.ground import AIMS, Aim, Aims, Ground, Judgement, Move
from router.control.judge import judge, moved
from router.control.labels import BANDS, MEASURES, SUMS, Labels
from router.control.memory import Memory
from router.control.scale import Scale
from router.control.window import LAST, LOW, Window

__all__ = [
    "AIMS",
    "BANDS",
    "LAST",
    "LOW",
    "MEASURES",
    "SUMS",
    "Aim",
    "Aims",
    "Floor",
    "Ground",
    "Judgement",
    "Labels",
    "Memory",
    "Move",
    "Scale",
    "Window",
    "judge",
    "moved",
]
