"""Commands around the whole: run it, check it, measure it, set it up."""
