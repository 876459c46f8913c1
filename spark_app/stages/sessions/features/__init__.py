"""The features of a session, in modules by kind of evidence; registry.py lists them all."""
