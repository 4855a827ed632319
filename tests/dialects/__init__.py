"""Tests of router.dialects."""
