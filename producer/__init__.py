"""Makes events and sends them: the simulator, the replay into Kafka, and the broker for machines without one."""
