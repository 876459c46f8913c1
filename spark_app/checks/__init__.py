"""What is looked at before Spark starts: topics, checkpoints, where the world is, and that no other job is at work."""
