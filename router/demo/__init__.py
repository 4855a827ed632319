"""The show: a workload, fake upstreams that answer it, a driver and the table that says what routing saved."""
