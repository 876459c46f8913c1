"""What crosses a boundary between packages: events, topics, tables, features, labels, worlds, settings.

Nothing here computes; the standard library and pydantic-settings are all it imports, so every package may import it.
"""
