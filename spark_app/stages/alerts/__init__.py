"""Alerts inside open sessions: when one is looked at, what it is scored from, and what is raised."""
