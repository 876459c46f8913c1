"""Patterns of an account's history that no single day or session shows: what repeats, and weeks that stand out."""
