"""Measures of flags, and their intervals."""
