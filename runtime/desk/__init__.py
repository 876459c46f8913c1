"""What the analyst's pages share with other programs: their settings and addresses, and cells of CSV."""
