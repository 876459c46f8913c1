"""Simulated honest listening compared with published numbers: statistics, acceptance lines, pages of plots."""
