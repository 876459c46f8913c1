"""Page Models: which model flags, and how the challenger compares with it."""
