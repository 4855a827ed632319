"""Which thresholds are in force, and how they came to be.

::

    board   one route's: its thresholds, their history, and whether they are frozen. Values
    kept    where they are kept: the store, each server's disk, and a snapshot for requests
"""

from router.thresholds.board import Board, BoardError, Change, Held
from router.thresholds.kept import Thresholds

__all__ = ["Board", "BoardError", "Change", "Held", "Thresholds"]
