"""Tests mirror the package: tests/pkg/test_x.py tells the stories of router/pkg/x.py."""
