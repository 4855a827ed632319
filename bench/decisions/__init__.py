"""The measurements behind docs/decisions: each a script that prints a table, to be run again when a library changes.

::

    json_library     decision 8: what reads and writes JSON
    redis_batching   decision 9: how commands go to Redis
    exposition       decision 10: where metrics are counted, and how they are shown
    access_log       decision 11: who writes the access log

The first needs what requirements.txt beside this file names. HTTP clients and servers are compared in bench/clients.
"""
