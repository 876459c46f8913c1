"""Commands around the whole, by area."""
