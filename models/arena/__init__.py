"""The arena: detectors that were trained without a family, held against it."""
