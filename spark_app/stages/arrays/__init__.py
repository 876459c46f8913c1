"""Flat NumPy arrays whose rows belong to groups: sums, runs and shares by group."""
