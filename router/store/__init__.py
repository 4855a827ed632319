"""The door to what servers share: Redis, Valkey, or the memory and the folder of one process.

::

    protocol   what a store can do, and how it says that it is down
    keys       how keys are named, and every kind there is: what it holds, how large, for how long
    memory     a store inside the process
    folder     what was learned, as files that survive the process
"""

from router.store.folder import Folder
from router.store.keys import CHANNELS, KINDS, Flight, Kind, key
from router.store.memory import Memory
from router.store.protocol import Claim, Heard, Store, StoreDown

__all__ = ["CHANNELS", "KINDS", "Claim", "Flight", "Folder", "Heard", "Kind", "Memory", "Store", "StoreDown", "key"]
