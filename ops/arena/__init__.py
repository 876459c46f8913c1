"""The arena in one command: simulate, compute the tables, train without a family, test on it, write the results."""
