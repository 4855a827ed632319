"""Equal requests that are under way at the same moment are asked upstream once.

::

    tape      a stream as it comes in, for as many readers as there are
    riding    what each of those who share an answer gets: the leader's own reply, or that of somebody who joined
    flight    one request under way, on behalf of all who share it
    flights   who joins whom, in this process and across servers
"""

from router.flights.flights import Boarding, Flights

__all__ = ["Boarding", "Flights"]
