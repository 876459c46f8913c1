"""What every page shares: the frame, the style sheet, scripts, and how a template is rendered."""
