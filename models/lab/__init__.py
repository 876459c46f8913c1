"""The lab: which technique picks the bots out best, and whom does it accuse wrongly (docs/studies/lab.md).

A **candidate** is one entry of `candidates.CANDIDATES`: `fit(days, rng)` gives a scorer, a scorer gives each
account-day a number, higher is more suspicious; the scale is the candidate's own. The lab fits it on a week, waits a
week, and scores another week of accounts and campaigns it never saw. Whatever is chosen (scaling, resampling,
thresholds, the weights of a fusion) is chosen inside the training part.

`seen`: the test families are among the training families. `left_out`: the family scored was taken out of training.
Candidates that learn from no bot have the same numbers in both.
"""
