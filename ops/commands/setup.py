"""Commands that fetch what the JVM side needs."""

from runtime.command_line import Command


def jars() -> None:
    """Fetch Java where there is none, and the jars of ivy.xml, each checked against jars.sha256."""
    from ops.setup import jars, jre

    jre.ensure_java()
    fetched = jars.fetch()
    print(f"jars: {fetched} fetched and checked" if fetched else "jars: all there, checked")


def storage() -> None:
    """Fetch the jars for checkpoints in a bucket too (PLAYPROOF_STORAGE), each checked against jars.sha256."""
    from ops.setup import jars, jre

    jre.ensure_java()
    fetched = jars.fetch(extra=(jars.STORAGE,))
    print(f"jars: {fetched} fetched and checked" if fetched else "jars: all there, checked")


COMMANDS = (Command("jars", jars, "playproof setup jars"), Command("storage", storage, "playproof setup storage"))
