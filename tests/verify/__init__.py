"""Tests of router/verify."""
