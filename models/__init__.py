"""Detectors: what scores, how it is trained, and how good it is. A score is in [0, 1], higher is more suspicious."""
