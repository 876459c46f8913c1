"""What a running program shows of itself to Prometheus."""
