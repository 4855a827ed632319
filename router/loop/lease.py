"""Which replica leads: the one that holds a key in the store, for as long as it keeps saying so."""

from router.store import Store, StoreDown, key

__all__ = ["Lease"]


class Lease:
    """A key that only one replica holds. Without the store nobody does, and thresholds stay where they are."""

    def __init__(self, store: Store, what: str, owner: bytes, lasting: float) -> None:
        """Ask for `what`, as `owner`, for so many seconds at a time."""
        self._store = store
        self._key = key("lease", what)
        self._owner = owner
        self._lasting = lasting
        self.held = False

    async def hold(self) -> bool:
        """Take it, or keep it; whether it is held now."""
        try:
            self.held = await self._store.renew(self._key, self._owner, self._lasting) or await self._store.add(
                self._key, self._owner, self._lasting
            )
        except StoreDown:
            self.held = False
        return self.held

    async def release(self) -> None:
        """Let another have it at once."""
        if self.held:
            self.held = False
            try:
                await self._store.release(self._key, self._owner)
            except StoreDown:
                return
