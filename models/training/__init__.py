"""Training of the session scorer: splits, fit, thresholds, card."""
