"""Learning: from outcomes to a model, to figures, to a threshold."""
