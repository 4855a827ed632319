"""Answers that are given again: which requests are equal, what is kept of an answer, and where.

::

    identity   when two requests may have one answer, and whether a request may have a remembered one at all
    entry      what is kept of an answer, as a value and as bytes: compressed, and sealed where there is a key
    seal       makes them unreadable without the policy's key
    near       the answers each process keeps itself, bounded in bytes
    replay     a whole answer as a stream and back, with or without usage
    answers    the first level and the store together
"""

from router.cache.answers import Answers, may_be_kept
from router.cache.entry import Entry
from router.cache.identity import Asked, asked

__all__ = ["Answers", "Asked", "Entry", "asked", "may_be_kept"]
