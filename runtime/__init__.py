"""What every package runs on: settings, worlds, tables, the JVM, Spark's progress, Kafka clients, time."""
