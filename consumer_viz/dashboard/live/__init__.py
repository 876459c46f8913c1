"""Page Live: what the topics carry now."""
