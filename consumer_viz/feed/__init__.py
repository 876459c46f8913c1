"""A plain Kafka consumer and the counts it keeps: per batch, and per window of the fraud counts."""
