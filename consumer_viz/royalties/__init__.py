"""A reference reader of topic `actions`: the royalty ledger, which says what is held back by track and month."""
