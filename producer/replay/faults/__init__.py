"""Fault injection for a replay: late rows, bad rows, torn messages and copies, made on purpose.

A layer around one step of the replay, batch to messages. The replay and its ledger do not know of it. A journal next to
the ledger keeps what the layer did, so that a replay that goes on after a crash makes the same messages again.
"""
