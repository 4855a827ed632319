"""What the proxy costs, and whether what measures it measures."""
