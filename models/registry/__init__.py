"""Which models may be loaded, which one scores, and how their roles change."""
