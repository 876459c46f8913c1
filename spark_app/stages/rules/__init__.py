"""Scored sessions to the rules that they meet."""
