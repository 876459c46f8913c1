"""Bot families that detectors are judged on and never trained on: no scenario has them.

Written after the detectors: `playproof arena --families producer/simulator/outside`. Who changes a detector because of
one of them moves that family to `bots/`, and writes another.
"""
