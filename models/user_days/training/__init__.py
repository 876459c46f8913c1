"""Training of the user-day trees, and their card."""
