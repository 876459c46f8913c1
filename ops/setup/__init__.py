"""What `make setup` brings: packages, Java where there is none, and jars with checked hashes."""
