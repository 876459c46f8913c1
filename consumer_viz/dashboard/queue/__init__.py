"""Page Queue: which case to decide next."""
