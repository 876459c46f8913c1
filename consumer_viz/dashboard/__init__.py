"""The analyst's pages: what is suspected and why, and what a person decided about it.

A page is a folder with its routes, templates and scripts. The pages read `lake/` and never write to it; decisions are
in `verdicts.sqlite`, and topic `verdicts` repeats them. A flag is a suspicion: nothing here acts on an account.
"""
