"""The independent check: every row that was sent against every row that the tables hold, in plain Python.

It shares no code with the job, so that it does not share the job's mistakes. So the rules of rows are written in two
places, and only there: as columns in `spark_app.stages.parsing.row_rules`, and as arrays here, in `row_rules`.
"""
