"""`smallfirst …`: one file a command, each a thin front of functions that live elsewhere."""

from router.cli.main import app, main

__all__ = ["app", "main"]
