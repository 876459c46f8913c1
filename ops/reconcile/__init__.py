"""The independent check: every row that was sent against every row that the tables hold."""
