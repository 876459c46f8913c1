"""Reports for people: evaluation of flags, comparison of two models, false alarms, the daily run."""
