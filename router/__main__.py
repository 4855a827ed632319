"""`python -m router` is `smallfirst`."""

from router.cli import main

main()
