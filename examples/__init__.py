"""Things to try, each with its own README."""
