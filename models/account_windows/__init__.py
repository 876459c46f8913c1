"""Accounts over 7 and 28 days: what adds up over weeks, and what other accounts do too."""
