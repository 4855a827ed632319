"""HTTP in, HTTP out.

::

    app         which endpoint? the hot ones first, Starlette for the rest
    chat        POST /v1/chat/completions: bytes in, authenticated, parsed once, answered, closed
    translated  the same in other dialects: a translator at both ends
    embeddings  POST /v1/embeddings, from one model
    desk        models, decisions, health, metrics: what is asked rarely and may take its time
    nowhere     what a client is told whose path is none of ours
    caller      who asks, and what they ask for in headers
    answering   how an answer goes out: its head and the first of its body at once
    heads       how large the head of a request may be
    patience    how long a client may take, to send its request and to read its answer
    books       metrics and records, of requests and of what is learned about them later
    decisions   what was decided about a request, for a day
    feedback    POST /v1/feedback: counted once, on any replica and long after
    reading     a policy with everything it names, and what keeps it from being served
    helm        thresholds in force, and control that moves them
    service     a policy at work; reloads swap what it works with
    signing     the key that signs request ids, and replicas' agreement on it
    breakers    what one replica finds out about a deployment, and tells the others
    watch       has the policy changed?
    reloads     it has: read again, beside the requests
    workers     several processes on one port
    run         sockets, signals, start and stop
"""
