"""`playproof bench-desk`: what the analyst's pages cost with many flagged sessions."""
