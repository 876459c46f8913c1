"""What the commands of rules share: the record of a world, who asks, and the way to topic `rules`."""

import getpass
from typing import TYPE_CHECKING

from runtime.command_line import log, settings_for
from runtime.settings import Settings

if TYPE_CHECKING:
    from models.rules.store import RuleStore


def open_record(world: str | None) -> "tuple[RuleStore, Settings]":
    """Open the rules of a world. Raises WorldError where there is none, RuleError where the file is none."""
    from contracts.domain import MUSIC
    from models.rules.store import RuleStore

    settings = settings_for(world)
    the_world = settings.existing_world()
    the_world.require_domain(MUSIC, "playproof rules")
    return RuleStore(the_world.rules), settings


def send_changes(store: "RuleStore", settings: Settings, *, is_asked: bool = False) -> None:
    """Bring the topic up to date; a broker that is away is no error where the change is saved already."""
    from contracts.topics import RULES
    from models.rules.sync import send_rules
    from runtime.errors import BrokerError
    from runtime.kafka.compacted import CompactedTopic

    topic = CompactedTopic(settings.kafka(), RULES)
    try:
        sent = send_rules(store, settings.kafka(), topic)
    except BrokerError as error:
        if is_asked:
            raise
        log(f"saved, and not sent yet ({error}); the desk or  playproof rules send  sends it")
    else:
        print(f"sent {sent} message{'s' * (sent != 1)} to topic rules: the job has them in its next micro-batch")
    finally:
        topic.close()


def my_name() -> str:
    """Return the name of the system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "engineer"
