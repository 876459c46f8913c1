"""Make the JVM side ready before a command that needs it: a first start elsewhere than in a checkout fetches it."""

from collections.abc import Callable

from ops.setup import jars, jre
from runtime.jvm import JARS, JvmError, find_java


def ensure_jvm(report_progress: Callable[[str], None], *, with_storage: bool = False) -> None:
    """Return at once where Java and the jars are there; else fetch them, saying so in a line.

    `with_storage`: those for checkpoints in a bucket too. A jar is looked for by name here; `playproof setup jars` and
    `playproof doctor` check the hashes of all. Raises SetupError where something cannot be fetched.
    """
    extra = (jars.STORAGE,) if with_storage else ()
    if not is_ready(extra):
        report_progress(
            f"fetching what is missing of Java and its jars (50 MB at a first start, checked) into {JARS.parent}"
        )
        jre.ensure_java()
        jars.fetch(extra=extra)


def is_ready(extra: tuple[str, ...] = ()) -> bool:
    """Say whether a usable Java and every pinned jar are there."""
    try:
        find_java()
    except JvmError:
        return False
    return all((JARS / name).is_file() for name in jars.expected_jars(JARS, extra=extra))
