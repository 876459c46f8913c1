"""How every program reaches Kafka: the address, the security settings read once, and what a refusal means."""
