"""The shop's model: a plain MLlib pipeline, trained on sessions of simulated shops, and saved as a zip."""
