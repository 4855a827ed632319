"""What was learned, as files that survive the process: one file for each key, replaced whole.

Several servers may share a folder: whoever reads sees the old value or the new one, never half of one, and a
compare-and-set holds a lock for as long as it takes, not longer.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Folder"]

_KEY = re.compile(r"sf1:([a-z]+):\{([0-9a-f]+)\}")


class Folder:
    """Values by key in a folder that is made when first needed; every method may wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, key: str) -> bytes | None:
        """The value of a key; None when there is none."""
        try:
            return self._file(key).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, key: str, value: bytes) -> None:
        """Keep a value.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._alone():
            self._replace(key, value)

    def swap(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Replace a value only while it is `before`; whether it was replaced.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._alone():
            if self.read(key) != before:
                return False
            self._replace(key, after)
            return True

    def remove(self, key: str, value: bytes | None = None) -> bool:
        """Remove a key, only while it holds `value` (None: whatever it holds); whether it was there.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._alone():
            found = self.read(key)
            if found is None or (value is not None and found != value):
                return False
            self._file(key).unlink()
            return True

    def _file(self, key: str) -> Path:
        match = _KEY.fullmatch(key)
        if match is None:
            message = f"not a key of this house: {key}"
            raise ValueError(message)
        return self._path / "-".join(match.groups())

    def _replace(self, key: str, value: bytes) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self._path, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(descriptor)
            Path(draft).replace(self._file(key))
        except BaseException:
            with suppress(FileNotFoundError):
                Path(draft).unlink()
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other writers out, in this process and in others, for a moment."""
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
