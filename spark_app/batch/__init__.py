"""The stages of the job in batch: training table, user-days, baselines, scoring of histories."""
