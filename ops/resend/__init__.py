"""Send rejected rows again, after what they were rejected for is repaired."""
