"""How good flags are: measures and their intervals."""
