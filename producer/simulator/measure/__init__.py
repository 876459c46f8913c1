"""What a simulated world is like, measured from its tables: against published numbers, and for give-away columns."""
