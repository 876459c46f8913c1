"""Training of the session scorer: table, blocks, fit, thresholds, manifest, card."""
