"""Bot families, one a file."""
