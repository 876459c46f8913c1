"""Prometheus's own tool, where it is installed (Debian: package prometheus). Without it, nothing here is collected."""

import shutil

PROMTOOL = shutil.which("promtool")
collect_ignore_glob = [] if PROMTOOL else ["test_*.py"]
