"""What changes, sent to the open pages."""
