"""`smallfirst …`: one file a command, each a thin front of functions that live elsewhere."""

from router.cli.starting import app, main

__all__ = ["app", "main"]
