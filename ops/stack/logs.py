"""The one line of a log to show when its process has failed."""

import re
from pathlib import Path

ERROR_WORDS = re.compile(r"ERROR|Exception|Error\b|error:")
MAX_CHARS = 300
MAX_LINES_BACK = 400


def most_relevant_line(log: Path) -> str:
    """Return the last line; where the log ends in a stack trace, the last line that names the error."""
    text = log.read_text(errors="replace") if log.exists() else ""
    lines = [line for line in text.splitlines()[-MAX_LINES_BACK:] if line.strip()]
    if not lines:
        return "(its log is empty)"
    is_trace = any(line.startswith(("Traceback", "\tat ")) for line in lines)
    errors = [line for line in lines if ERROR_WORDS.search(line) and not line.startswith((" ", "\t", "{"))]
    return (errors if is_trace and errors else lines)[-1].strip()[:MAX_CHARS]
