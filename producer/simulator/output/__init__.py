"""From codes in memory to the tables of a world on disk."""
