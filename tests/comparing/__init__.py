"""Tests of router/comparing: when two answers say the same, and which is better."""
