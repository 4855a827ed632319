"""The key that signs request ids: the environment's, else one of the state folder that replicas agree on through Redis.

Whoever comes first brings its own, and everybody else takes that one: feedback about a request that one replica has
answered then counts on all of them. What was signed before they agreed is still recognised where it was signed.
"""

import asyncio
from pathlib import Path

from router import ids
from router.clock import Clock
from router.log import say
from router.server.reading import CannotServe
from router.settings import Settings
from router.store import Store, StoreDown, key

__all__ = ["Signing"]

_KEY = key("secret", "signing")
_AGAIN = 5.0
"""Seconds until a store that is down is asked again."""


class Signing:
    """One process's signer."""

    def __init__(self, folder: Path, settings: Settings, store: Store, clock: Clock) -> None:
        """Find the key, or make one.

        Raises:
            CannotServe: there is a file in its place that is none.
        """
        self._store = store
        self._shares = store.shared and settings.signing_key is None
        self._agreeing: asyncio.Task[None] | None = None
        try:
            self._own = ids.load_or_make_key(folder / "signing.key", settings.signing_key, clock.token(32))
        except ValueError as error:
            raise CannotServe(f"state.path: {error}") from error
        except OSError as error:
            if not self._shares:
                told = "request ids will not be known after a restart: set SMALLFIRST_SIGNING_KEY"
                say(f"state.path: {error}; {told}")
            self._own = clock.token(32)
        self.signer = ids.Signer(self._own)

    async def begin(self) -> None:
        """Agree with the other replicas, now or as soon as they can be asked."""
        if not self._shares:
            return
        try:
            await self._agree()
        except StoreDown:
            self._agreeing = asyncio.create_task(self._agree_later())

    async def aclose(self) -> None:
        """Stop trying."""
        if self._agreeing is not None:
            self._agreeing.cancel()
            await asyncio.wait([self._agreeing])

    async def _agree_later(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN)
            try:
                await self._agree()
            except StoreDown:
                continue
            return

    async def _agree(self) -> None:
        if await self._store.add(_KEY, self._own, None):
            return
        agreed = await self._store.get(_KEY)
        if agreed is None or agreed == self._own:
            return
        try:
            self.signer.adopt(agreed)
        except ValueError:
            say("the signing key in Redis is none; replicas will not count feedback on each other's requests")
