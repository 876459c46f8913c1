"""The Spark contenders of `playproof bench`."""
