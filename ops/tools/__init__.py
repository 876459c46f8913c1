"""Generators of documents and pictures."""
