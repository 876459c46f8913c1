"""The processes on this machine: broker and Spark job, started, watched and stopped."""
