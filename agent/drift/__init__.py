"""Where what is wanted and what is there differ: found, attributed, weighed."""
