"""What YAML may say, and what an operator hears when it says something else."""
