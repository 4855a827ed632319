"""Stories about HTTP in, HTTP out."""
