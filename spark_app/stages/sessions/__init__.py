"""Typed rows to sessions, and sessions to features."""
