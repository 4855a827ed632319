"""A retriever on PostgreSQL for `tiers.*.context`: chunk, embed, store, retrieve, cite.

::

    chunking    a text in pieces that a prompt can hold
    embedding   a piece as a point in space
    store       the points in PostgreSQL: all of the SQL
    app         the retriever's HTTP: facts in, chunks out
"""
