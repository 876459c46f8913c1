"""What a process said last, from its log: the line that tells a person most."""

import re
from pathlib import Path

TROUBLE = re.compile(r"ERROR|Exception|Error\b|error:")
MAX_CHARS = 300
LOOK_BACK_LINES = 400


def telling_line(log: Path) -> str:
    """Return the last line; where the log ends in a stack trace, the last line that names the trouble."""
    text = log.read_text(errors="replace") if log.exists() else ""
    lines = [line for line in text.splitlines()[-LOOK_BACK_LINES:] if line.strip()]
    if not lines:
        return "(it said nothing)"
    is_trace = any(line.startswith(("Traceback", "\tat ")) for line in lines)
    troubles = [line for line in lines if TROUBLE.search(line) and not line.startswith((" ", "\t", "{"))]
    return (troubles if is_trace and troubles else lines)[-1].strip()[:MAX_CHARS]
