"""Decisions of analysts: their rules, their store, their way to the topic, and how often flags were confirmed."""
