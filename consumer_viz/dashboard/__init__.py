"""The analyst's pages: what is suspected and why, and what a person decided about it.

`lake/` is read (never written), `verdicts.sqlite` is the truth of decisions, topic `verdicts` repeats it. A flag is a
suspicion: the pages say "suspected", and nothing here acts on an account.
"""
