"""The shop's simulator: visits by Markov chains, carts, payments, and three families of fraud with their truth."""
