"""The Spark Structured Streaming job: ingest, parse, sessionize, score, report."""
