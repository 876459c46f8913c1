"""Commands of the Spark job, and of its stages in batch."""
