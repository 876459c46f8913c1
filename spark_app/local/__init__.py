"""A world's rows to scored sessions and user-days in one process, without Spark.

The steps are the stream's own: the same functions over the same Arrow batches. Only what Spark does between them is
here: reading, hashing, joining, grouping. A test compares the results with Spark's.
"""
