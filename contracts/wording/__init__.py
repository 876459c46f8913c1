"""The words of reasons: one catalogue for everything that tells a person why an account is suspected.

A translation replaces the templates here and the display names of `contracts.features`, `contracts.user_day_features`
and `contracts.account_windows`; no code elsewhere writes words of a reason.
"""
