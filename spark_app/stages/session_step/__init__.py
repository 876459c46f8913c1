"""The session step: packed rows and the open sessions in, closed sessions and the open ones out. No Spark, no clock."""
