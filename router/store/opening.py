"""From an address to a store."""

from collections.abc import Callable
from pathlib import Path

from router.clock import SYSTEM, Clock
from router.policy.store_url import StoreUrl
from router.store.embedded import Embedded
from router.store.folder import Folder
from router.store.memory import Memory
from router.store.protocol import Store

__all__ = ["open_store"]


def open_store(
    url: StoreUrl,
    state: Path,
    say: Callable[[str], None],
    clock: Clock = SYSTEM,
    *,
    restarted: Callable[[], None] = lambda: None,
) -> Store:
    """Open the store at an address; `state` is the folder for what survives a restart, `say` speaks to the operator.

    `restarted` is called, in a thread, whenever an embedded Valkey had ended and was started again.

    Raises:
        NotInstalled: the address is `embedded://`, and there is no Valkey to embed.
    """
    if url.kind == "memory":
        return Memory(Folder(state / "learned"), clock=clock, say=say)
    from router.store.redis_store import RedisStore  # redis-py takes longer to import than all of this proxy

    if url.kind == "embedded":
        embedded = Embedded(state / "valkey")
        embedded.watch(say, restarted)
        return RedisStore(embedded.url, say, closing=embedded.stop)
    return RedisStore(url, say)
