"""Control moving."""
