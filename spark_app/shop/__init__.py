"""The shop's Spark job, in plain Spark SQL: the readable counterpart of the music pipeline.

`pipeline.py` names every step once, in order. The steps: `session` (SparkConf), `schemas`, `rows` (parse, cast,
reject), `sessions` (sessions by session_id, stream-stream join), `features` (stream-static joins), `predictions`
(PipelineModel.transform), `reports` (foreachBatch). A step takes DataFrames and returns one, streamed or in batch.
"""
