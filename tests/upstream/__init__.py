"""Tests of router/upstream."""
