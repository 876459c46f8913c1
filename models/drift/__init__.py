"""Drift: how far features and scores of today are from those that a model was trained on."""
