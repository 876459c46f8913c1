"""A plain Kafka consumer and what it counts."""
