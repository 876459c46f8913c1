"""`playproof bench`: the job against a minimal Spark job and a plain consumer."""
