"""Page Quality: how good the flags are, by the verdicts of analysts."""
