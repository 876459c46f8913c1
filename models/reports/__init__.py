"""Reports for people: evaluation, comparison, false alarms, the daily run."""
