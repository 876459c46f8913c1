"""Honest listening: who the accounts are, when and where they listen, and what their clients report."""
