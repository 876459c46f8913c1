"""Labels of sessions and user-days: from truth, or from what analysts decided."""
