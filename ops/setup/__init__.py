"""What `playproof setup jars` brings: packages, Java where there is none, and jars with checked hashes."""
