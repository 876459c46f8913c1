"""Which models may be loaded, which one scores, and how they change places."""
