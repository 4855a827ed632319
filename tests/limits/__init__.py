"""Tests of `router/limits`."""
