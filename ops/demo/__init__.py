"""The demos: one world from simulation to summary, on a private broker. A file per domain, and what they share."""
