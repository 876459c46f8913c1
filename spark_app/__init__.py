"""The Spark Structured Streaming job: ingest, parse, sessionize, score, report."""

import runtime  # noqa: F401 - before numpy
