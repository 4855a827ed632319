"""The policy's files: watched, and read again beside the requests whenever they have changed."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from router.clock import Clock
from router.log import say
from router.policy import Caution, Note
from router.server.reading import CannotServe, Reading, guard, read_policy
from router.server.watch import Seen, Settling, look
from router.server.workers import Worker
from router.settings import Settings

__all__ = ["Reloads", "overlooked"]


@contextmanager
def overlooked() -> Iterator[None]:
    """Keep the collector from looking while this lasts and, if it succeeds, from ever looking at what is there then.

    A look at the plan of a large policy takes longer than a request should wait, and finds nothing. What is frozen goes
    like everything else when nobody holds it any more, but a circle stays for good. So nothing of ours that lives for
    long may be one, nor keep one when it ends (tests count them): what dies as one while this lasts is kept for good,
    too. What died before is looked for first.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        gc.collect(0)
        yield
        gc.freeze()
    finally:
        if collects:
            gc.enable()


class Reloads:
    """Reads a policy, at the start and again, and tells what there is to say about it."""

    def __init__(self, path: Path, settings: Settings, clock: Clock, worker: Worker) -> None:
        self._path, self._settings, self._clock, self._worker = path, settings, clock, worker
        self._host: str | None = None
        self._seen: Seen = {}
        self._cautioned: set[Caution | Note] = set()
        self._aside = ThreadPoolExecutor(1, "policy")  # of its own: others must not keep a reload waiting, nor it them

    def only_for(self, host: str) -> None:
        """Read no policy from now on that may not be served at this address."""
        self._host = host

    def read(self) -> Reading:
        """Read everything, and wait for it.

        Raises:
            CannotServe: the policy, or something it names, cannot be used.
        """
        before = look(self._path, self._seen)
        files: Iterable[Path] = ()
        try:
            read = read_policy(self._path, self._settings, self._clock.wall())
            files = read.policy.files
            return read
        except CannotServe as error:
            files = error.files
            raise
        finally:  # as it looked before it was read, so that what has changed meanwhile is a change
            self._seen = {path: before.get(path, now) for path, now in look(self._path, files).items()}

    async def read_aside(self) -> Reading:
        """Read everything in a thread while requests are served.

        Raises:
            CannotServe: the policy, or something it names, cannot be used.
        """
        try:
            read = await asyncio.get_running_loop().run_in_executor(self._aside, self.read)
            guard(read.keyring, self._host)
            return read
        except CannotServe:
            raise
        except Exception as error:  # a fault of ours must not end the watch, nor what is served
            raise CannotServe(f"internal error: {traceback.format_exc()}") from error

    async def watch(self, reload: Callable[[], Awaitable[object]], every: float) -> None:
        """Call whenever the policy, or a file it names, has changed and come to rest; never ends by itself."""
        settling, loop = Settling(), asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every)
            now = await loop.run_in_executor(self._aside, look, self._path, self._seen)
            if settling.notice(now, self._seen):
                await reload()

    def caution(self, found: Sequence[Caution | Note]) -> None:
        """Say what `smallfirst check` says of thresholds: everything once, and again when it has come back."""
        for remark in found:
            if remark not in self._cautioned and self._worker.speaks:
                say(f"{'note' if isinstance(remark, Note) else 'warning'}: {remark}")
        self._cautioned = set(found)

    def close(self) -> None:
        """Read no more; nobody waits for a reading that goes on."""
        self._aside.shutdown(wait=False)
