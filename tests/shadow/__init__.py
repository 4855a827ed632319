"""Tests of router/shadow: what is asked beside the traffic, and what is made of it."""
