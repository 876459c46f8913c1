"""The report on suspected user-days: page, figures, comparison with truth."""
