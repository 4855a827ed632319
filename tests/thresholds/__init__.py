"""Thresholds in force."""
