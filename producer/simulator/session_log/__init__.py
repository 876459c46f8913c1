"""Logs of sessions, each walked by the Markov chain of its user's role: of a CRM, of a shop, of any set of actions."""
