"""Where the command line begins: all of it is imported in one go, without a look for garbage in between."""

import gc

gc.disable()  # what importing makes stays: looking through it, again and again, took a sixth of a start
from router.cli.main import app, main  # noqa: E402  it is what must not be looked through

gc.freeze()
gc.enable()

__all__ = ["app", "main"]
