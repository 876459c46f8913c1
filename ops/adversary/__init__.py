"""The curve of evasion: an adversary against the shipped detectors, in a small simulated world."""
