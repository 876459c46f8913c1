"""The features of a user-day, in modules by kind of evidence; registry.py lists them all."""
