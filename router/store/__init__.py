"""The door to what servers share: Redis, Valkey, or the memory and the folder of one process.

::

    protocol     what a store can do, and how it says that it is down
    keys         how keys are named, and every kind there is: what it holds, how large, for how long
    memory       a store inside the process
    folder       what was learned, as files that survive the process
    redis_store  a store that servers share: Redis or Valkey
    cluster      which node of a cluster keeps a key
    link         one connection: a tick's commands in one write, a deadline for each, and what happens without it
    call         one command on its way, and who waits for it
    dialing      how a connection is made: alone, behind Sentinels, over TLS
    scripts      what must happen at once, as Lua
    embedded     a Valkey of our own
    opening      from an address to a store
"""

from router.store.embedded import Embedded, NotInstalled
from router.store.folder import Folder
from router.store.keys import CHANNELS, CLEARED, KINDS, PREFIX, Flight, Kind, key
from router.store.memory import Memory
from router.store.opening import open_store
from router.store.protocol import Claim, Heard, Meanwhile, Store, StoreDown

__all__ = [
    "CHANNELS",
    "CLEARED",
    "KINDS",
    "PREFIX",
    "Claim",
    "Embedded",
    "Flight",
    "Folder",
    "Heard",
    "Kind",
    "Meanwhile",
    "Memory",
    "NotInstalled",
    "Store",
    "StoreDown",
    "key",
    "open_store",
]
