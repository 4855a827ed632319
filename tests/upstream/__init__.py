"""The stories of router/upstream."""
