"""Notices that a policy, or a file it names, has changed, by what the file system says of them.

Files are looked at and not read, a few times a second. That costs about a thousandth of a core, and it sees whatever a
reader would see: an editor that renames, a ConfigMap whose link is turned, a folder put in another's place, a file on
a network disk (docs/decisions/0005-live-policies.md).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from router.policy import PolicyError
from router.policy.reading import files_in

__all__ = ["EVERY", "Seen", "Settling", "look"]

EVERY = 0.4
"""Seconds between two looks: a change is noticed with the first look and served after the second, if it has settled."""
_MOST = 4
"""Looks after which a change that does not settle is read all the same."""

Seen = Mapping[Path, tuple[int, ...]]
"""What could be seen of each file; nothing for one that is not there."""


def look(path: Path, files: Iterable[Path]) -> Seen:
    """Look at a policy, at every file of its folder if it is one, and at the files it names."""
    try:
        own = files_in(path) if path.is_dir() else [path]
    except PolicyError:
        own = []
    return {each: _seen(each) for each in {*own, *files}}


def _seen(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()  # of what a link leads to: the link may be turned
    except (OSError, ValueError):
        return ()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class Settling:
    """Tells when a policy should be read again: it looks other than when it was read, and twice in a row the same.

    Whoever writes several files, or one in several goes, is given the time to finish.
    """

    def __init__(self) -> None:
        self._last: Seen | None = None
        self._looks = 0

    def notice(self, now: Seen, known: Seen) -> bool:
        """Whether to read it, given how it looks `now` and how it looked when it was read (`known`)."""
        if now == known:
            self._last, self._looks = None, 0
            return False
        settled = now == self._last
        self._last = now
        self._looks += 1
        if settled or self._looks >= _MOST:
            self._last, self._looks = None, 0
            return True
        return False
