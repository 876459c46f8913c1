"""Kills at random moments: is anything lost, twice or wrong when job, broker and replay are killed again and again?"""
