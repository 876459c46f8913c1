"""Running, checking and measuring the whole: stack, set-up, reconciliation, bench, demo, doctor."""

import runtime  # noqa: F401 - before numpy
