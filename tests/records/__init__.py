"""Records: written whole, read in spite of what crashes leave, kept as long as the policy says."""
