"""Which world an embedded broker serves: its cluster has an id, and so has the folder of each world's broker."""

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from runtime.errors import BrokerError
from runtime.kafka.broker_folders import folder_cluster_id, world_of_folder
from runtime.kafka.connection import KafkaConnection
from runtime.world import World

ANSWERS_WITHIN_MS = 5000


def broker_cluster_id(kafka: KafkaConnection) -> str | None:
    """Return the id of the cluster that answers; None where none does, or it does not tell."""
    try:
        with KafkaAdminClient(**kafka.python(), bootstrap_timeout_ms=ANSWERS_WITHIN_MS) as admin:
            return str(admin.describe_cluster()["cluster_id"])
    except (KafkaError, OSError):
        return None


def world_at(kafka: KafkaConnection, world: World) -> str | None:
    """Return the name of the world whose broker answers, among those next to `world`; None where it is not known."""
    asked = broker_cluster_id(kafka)
    if asked is None:
        return None
    if folder_cluster_id(world.unit.broker) == asked:
        return world.name
    folders = (path.parent.parent for path in world.root.parent.glob("*/v*/broker/log/meta.properties"))
    return next((world_of_folder(folder) for folder in folders if folder_cluster_id(folder) == asked), None)


def require_own_broker(kafka: KafkaConnection, world: World) -> None:
    """Raise BrokerError where the broker that answers is that of another world, and say how to stop it."""
    found = world_at(kafka, world)
    if found is not None and found != world.name:
        raise BrokerError(
            f"the broker at {kafka.address} serves world {found}, not {world.name}: run  playproof down --world "
            f"{found}, or work on that world with  --world {found}"
        )
