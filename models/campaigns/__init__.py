"""Campaigns: accounts that one operator seems to run together.

Each finder looks for another trace in the same plays: accounts that play the same tracks in the same hours (`minhash`),
that share a device or a payment method (`components`), or that form a dense block with few tracks (`blocks`). A group
is a suspicion, not proof: an office, a household and a fan club leave such traces too.
"""
