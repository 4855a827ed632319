"""What the policy promises: faults with their place, files, hashes, documents."""
