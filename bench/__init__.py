"""What the proxy costs: measured by commands, and held by budgets.

::

    workload    the policy with everything on, and the requests that are sent
    upstream    a mock deployment, fast enough not to be what is measured
    processes   a proxy, a Redis, a mock deployment as processes, and what they take of the machine
    counting    how many calls and instructions of Python something takes: the same on every machine
    path        a request's whole way, counted: bytes in on one socket, out on another, and back
    parts       the parts of that way, each as something that can be run again and again
    micro       how long they take, against a loop that is timed beside them
    load        a load generator, and what it saw
    macro       the proxy under load, beside the mock deployment without it
    flame       where the time goes, seen from inside; flame_svg draws it
    flat        what a request costs by its bytes, by routes and keys, by open streams
    soak        hours in minutes: memory, CPU and errors, with their slopes
    pauses      how long the request loop stands still, and because of what
    streams     TLS, readers that do not read, clients that leave, a thousand open streams
    budget      what may be used, from budgets.toml, and what was
"""
