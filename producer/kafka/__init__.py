"""Messages and connections: how rows are encoded, sent, and found again in the topics."""
