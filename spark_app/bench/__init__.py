"""The Spark contenders of `make bench`."""
