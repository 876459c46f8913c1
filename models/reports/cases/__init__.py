"""The case study of user-days: two days that nobody has, and two habits that no single day shows."""
