"""Difficulty: the estimate, the file, the model."""
