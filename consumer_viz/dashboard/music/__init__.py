"""Tracks, artists and labels: who streams them, how much of it is suspected, what is held back, and why."""
