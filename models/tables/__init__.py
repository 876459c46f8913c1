"""Tables that the detectors read and write."""
