"""The session step: packed rows and open sessions in, closed sessions and the open ones out.

`operator` puts it on Spark; the rest is pure, and needs neither Spark nor a clock.
"""
