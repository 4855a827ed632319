"""The made-up world."""
