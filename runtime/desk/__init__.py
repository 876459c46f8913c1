"""Settings of the analyst's pages."""
