"""What grafana/ builds, and whether every query of it finds what it asks for."""
