"""What the job reports about itself: progress, offsets, metrics."""
