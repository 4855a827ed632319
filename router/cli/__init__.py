"""`smallfirst …`: one file a command, each a thin front of functions that live elsewhere."""

import gc

gc.disable()  # what importing makes stays: looking for garbage in it, again and again, took a fifth of a start
from router.cli.main import app, main  # noqa: E402  after that, before anything else

gc.freeze()
gc.enable()

__all__ = ["app", "main"]
