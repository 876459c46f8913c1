"""Decisions: their rules, their store, their way to the topic."""
