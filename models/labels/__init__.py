"""Labels of sessions and user-days: from the simulator's truth, or from what analysts decided."""
