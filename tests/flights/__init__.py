"""Tests of router.flights."""
