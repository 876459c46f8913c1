"""Sessions with features to scores, flags and reasons."""
