"""User-days of an account to its windows of 7 and 28 days, with features."""
