"""Commands of the producer: worlds, listening histories, and what is sent to the topics."""
