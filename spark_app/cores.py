"""The two ways in which rows cross Spark on their way to sessions. Both give the same sessions."""

ROWS = "rows"
"""Row by row, through Spark's own de-duplication and session window."""
PACKED = "packed"
"""By the thousand in one binary value, through the session step (`stages/session_step`)."""
CORES = (ROWS, PACKED)
