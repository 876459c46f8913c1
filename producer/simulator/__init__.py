"""Simulated listening: pure, seeded, vectorised; truth is kept apart from everything a detector may see."""
