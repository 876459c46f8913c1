"""Campaigns: accounts that one operator seems to run together.

Three finders look at the same plays, each for another trace: accounts that play the same tracks in the same hours
(`minhash`), that share a device or a payment method (`components`), and that form a dense block with few tracks
(`blocks`). A group found is suspected, not proven: an office, a household and a fan club leave traces too.
"""
