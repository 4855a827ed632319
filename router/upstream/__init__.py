"""The code that speaks to deployments.

::

    climb       up the cascade: one deployment after the other, until an answer is good enough
    purse       what one request may still cost
    reply       what the client gets; closing it ends the request, once
    patience    a stream whose client is kept waiting: comments keep its connection open
    live        an answer that is good enough, and the place a stream takes
    opinion     what another deployment thinks of an answer
    sources     what a request's tiers are given to answer with      retriever   where that comes from

    embedding   one deployment after the other, until one has embedded

    pool        deployments at work: places, breakers, connections; who is asked next
    attempt     one call: a whole answer, the head of a stream, or the failure
    stream      a streamed answer: held back for checks, then forwarded as it comes
    failure     why there is no answer, and what the client is told when all have failed

    client      the seam: bytes out, a status and bytes back
    connect     which kind of connection a deployment needs
    wire        the seam over HTTP, many connections      connection   one of them      inflate   compressed answers
    providers   the seam over LiteLLM
    provider_answers   what it says, as OpenAI would have      provider_errors   what it raises
"""
