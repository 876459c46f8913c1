"""Commands that show: the live plot and the analyst's desk."""
