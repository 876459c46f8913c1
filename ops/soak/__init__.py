"""`playproof soak`: the job at a steady rate for a long time, with its files, memory, state and latency over time."""
