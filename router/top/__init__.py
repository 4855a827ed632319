"""`smallfirst top`: a running server's metrics in a terminal.

::

    reading     the text of /metrics as numbers that can be added up and subtracted
    glance      what an operator wants to know of it, as one value
    screen      that value as tables
"""
