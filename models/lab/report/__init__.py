"""What the lab publishes: results, figures, tables of the docs."""
