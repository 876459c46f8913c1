"""Typed rows to user-days with features."""
