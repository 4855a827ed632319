"""The request as a tier or a tune should see it."""
