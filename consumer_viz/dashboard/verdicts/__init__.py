"""The decision form, on the queue and on a case, and what it does."""
