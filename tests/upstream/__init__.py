"""Stories about the calls to deployments."""
