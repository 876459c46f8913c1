"""A ring of accounts as one case: what binds them, each member's own evidence, one verdict for many."""
