"""Tests of router.cache."""
