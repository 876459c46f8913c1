"""What people see live: a plain Kafka consumer, charts, and their front ends. No Spark here."""
