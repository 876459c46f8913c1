"""Running, checking and measuring the whole: stack, set-up, reconciliation, bench, demo, doctor."""
