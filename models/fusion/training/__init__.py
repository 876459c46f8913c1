"""Fit the fusion on simulated worlds: groups, the stack of an account-day, the account; with what was left out."""
