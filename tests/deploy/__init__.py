"""What deploy/, compose.yaml and the Dockerfile promise, held against the code that they start."""
