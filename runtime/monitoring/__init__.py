"""What a running program shows of itself: metrics for Prometheus, and the progress of the job's micro-batches."""
