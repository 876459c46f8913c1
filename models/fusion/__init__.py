"""The decision about an account-day: what every detector says of it, stacked into one calibrated probability.

Evidence that is missing is null and takes no part: each set of detectors that can be known has weights and a threshold
of its own (`model`). `evidence` collects, `train` fits on simulated worlds, `decide` applies the shipped numbers.
"""
