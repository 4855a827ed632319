"""Control, judged on values."""
