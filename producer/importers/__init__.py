"""Listening histories of real people, as the raw tables of a world: one module per layout, listed in `registry`."""
