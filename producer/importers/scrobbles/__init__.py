"""Scrobbles: a play is known by its start, its artist and its title; nobody says how long it was heard."""
