"""The models page: which model flags, and how the challenger compares."""
