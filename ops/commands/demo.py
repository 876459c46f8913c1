"""The command `demo`."""

from ops.errors import StackError
from runtime.command_line import Command
from runtime.settings import Settings


def demo() -> None:
    """Show the whole thing in a few minutes: 2,000 listeners, an attack, broker, Spark job, live plot, a summary."""
    from ops import demo as the_demo
    from runtime import terminal

    settings = Settings(world=the_demo.WORLD)
    summary = the_demo.run(settings, terminal.print_line)
    root = settings.the_world().root
    terminal.print_summary(summary.lines(), {"picture": root / "live.png", "figures": root / "summary.json"})
    if faults := summary.faults():
        raise StackError("the demo is not as it should be: " + "; ".join(faults))


DEMO = Command("demo", demo, "playproof demo", needs_jvm=True)
