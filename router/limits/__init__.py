"""May this key spend this now? What it used, exactly where servers share a Redis, and by its share where they cannot.

::

    account   what was used of a key's limits, and how long to wait for more
    charging  what a request has used, once it has ended
    telling   what a client hears of its limits: errors, and headers on answers
    held      what one request has taken, until it is settled
    limits    the accounts of this process, told to the store and heard from it
"""

from router.limits.account import Account, Wait
from router.limits.charging import Charge, charged
from router.limits.held import Held
from router.limits.limits import Limits, account_key

__all__ = ["Account", "Charge", "Held", "Limits", "Wait", "account_key", "charged"]
