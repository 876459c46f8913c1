"""A package, so that its settings of Spark end with its tests."""
