"""Stories about the demo: its workload, its fakes and its table."""
