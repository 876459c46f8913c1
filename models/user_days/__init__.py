"""The user-day detector: one account on one of its local days, compared with that account's last 28 days.

Every detector here takes the same frame: one row per account and local day, the columns of
`contracts.user_day_features.USER_DAY_FEATURES`. It gives a score in [0, 1]: higher is more suspicious, from 0.5 it is a
flag. A flag is a suspicion with its reasons in words; nothing acts on it before a person gave a verdict.
"""
