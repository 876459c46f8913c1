"""The replay of a world's rows into Kafka: batches, ledger, pace, fault injection."""
