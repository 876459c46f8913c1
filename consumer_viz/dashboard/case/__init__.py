"""The page of one case, its evidence and its export."""
