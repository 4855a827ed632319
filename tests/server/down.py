"""A store that is down."""

from typing_extensions import override

from router.store import Memory, StoreDown

__all__ = ["Down"]


class Down(Memory):
    """Takes what nobody waits for, and gives nothing."""

    @override
    def put(self, key: str, value: bytes, ttl: float | None, *, hurried: bool = False) -> None:
        """Lose it."""

    @override
    async def get(self, key: str) -> bytes | None:
        """Nobody is there."""
        raise StoreDown

    @override
    async def add(self, key: str, value: bytes, ttl: float | None) -> bool:
        """Nobody is there."""
        raise StoreDown
