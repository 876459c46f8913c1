"""An adversary who knows the detectors: tries ways to run a bot family, and keeps the one that they notice least."""
