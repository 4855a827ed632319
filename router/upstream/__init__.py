"""The code that speaks to deployments.

::

    client      the seam: bytes out, a status and bytes back
    wire        that seam over HTTP        providers   that seam over LiteLLM
    pool        a deployment at work: places, breaker, connections; who is asked next
    attempt     one call, whole or streamed: what it took, how it ended, why it failed
"""
