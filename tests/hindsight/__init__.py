"""Looking back: estimates whose truth is known, because the traffic was made up."""
