"""The framework of arXiv 2203.02124 ("Abuse and Fraud Detection in Streaming Services Using Heuristic-Aware Machine
Learning") on the simulator's account-days.

There, labels come from rules over the same telemetry as the features, so a score partly measures how well a model
re-learns the rules. Here truth is known, and everything is scored against both kinds of label, side by side.
"""
