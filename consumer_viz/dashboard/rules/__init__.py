"""Rules at run time: list, editor with the place of a mistake, back-test, steps, allow-list."""
