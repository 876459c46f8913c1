"""The folder of an embedded broker: the id of its cluster, and the world that it belongs to. Loads no Kafka client."""

from pathlib import Path


def folder_cluster_id(broker_folder: Path) -> str | None:
    """Return the id that the data in a broker's folder was formatted with; None before the first start."""
    try:
        lines = (broker_folder / "log" / "meta.properties").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def world_of_folder(broker_folder: Path) -> str | None:
    """Return the world whose version holds a broker's folder, as `data/WORLD/vN/broker`; None for another folder."""
    version = broker_folder.parent.name
    is_unit = broker_folder.name == "broker" and version[:1] == "v" and version[1:].isdigit()
    return broker_folder.parent.parent.name if is_unit else None
