"""Loopback addresses: parse one, find whether its port is free and who holds it, find a free port."""

import contextlib
import errno
import random
import socket
from pathlib import Path

import psutil

from ops.errors import StackError
from runtime.errors import BrokerError
from runtime.kafka.broker_folders import world_of_folder

LOOPBACK = "127.0.0.1"
ACCEPTS_WITHIN_S = 2.0
_LOOPBACK_NAMES = (LOOPBACK, "localhost")
NOT_LENT = range(20_000, 32_768)
"""Ports that no system lends by itself (Linux lends from 32,768, others from 49,152), and that we give no program."""
_DRAW = random.SystemRandom()
_given: set[int] = set()


def is_loopback(address: str) -> bool:
    """Return whether an address is `host:port` with a host name of this machine's loopback.

    >>> is_loopback("127.0.0.1:9092"), is_loopback("kafka.example:9092")
    (True, False)
    """
    return address.rpartition(":")[0] in _LOOPBACK_NAMES


def loopback_port(address: str) -> int:
    """Return the port of a `127.0.0.1:port` address. Raises BrokerError for anything else.

    >>> loopback_port("127.0.0.1:19092"), loopback_port("localhost:9092")
    (19092, 9092)
    """
    port = address.rpartition(":")[2]
    if not is_loopback(address) or not port.isdigit() or not 0 < int(port) < 65536:
        raise BrokerError(
            f"broker address {address!r} is not on this machine (expected 127.0.0.1:PORT, since the embedded "
            f"broker listens on loopback only): set  PLAYPROOF_BROKER=127.0.0.1:19092"
        )
    return int(port)


def is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # as Kafka does: a port in TIME_WAIT counts as free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def is_anyone_listening(addresses: str) -> bool:
    """Say whether a server accepts connections at one of the addresses, `host:port,host:port`."""
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        if port.isdigit():
            with (
                contextlib.suppress(OSError),
                socket.create_connection((host.strip("[]"), int(port)), ACCEPTS_WITHIN_S),
            ):
                return True
    return False


def free_port() -> int:
    """Return a loopback port that is free at this moment, and that this process was not given before.

    A server needs seconds until it listens. So it is none of those that the system lends to outgoing connections, of
    which there are many meanwhile; and it is drawn, so that two programs that start together get different ones.
    Raises StackError where none is left.
    """
    for port in _DRAW.sample(NOT_LENT, len(NOT_LENT)):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise StackError(f"no port from {NOT_LENT[0]} to {NOT_LENT[-1]} is free: see  ss -ltn  which programs listen there")


def _listener(port: int) -> psutil.Process | None:
    """Return the process that listens on a port; None where the system does not tell."""
    try:
        connections = psutil.net_connections("tcp")
        pids = [c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid]
        return psutil.Process(pids[0]) if pids else None
    except psutil.Error:  # macOS shows other users' sockets to root only
        return None


def owner(port: int) -> str | None:
    """Name the process that listens on a port, as `java (pid 123)`; None where the system does not tell."""
    process = _listener(port)
    try:
        return f"{process.name()} (pid {process.pid})" if process else None
    except psutil.Error:
        return None


def world_on(port: int) -> str | None:
    """Return the world whose embedded broker listens on a port; None where it is no broker of ours."""
    process = _listener(port)
    try:
        return world_of_folder(Path(process.cwd())) if process else None
    except (psutil.Error, OSError):
        return None


def require_free(port: int) -> None:
    """Raise BrokerError, naming the port, its holder and the way out, where it is taken."""
    if is_free(port):
        return
    other = f"choose another port with  PLAYPROOF_BROKER={LOOPBACK}:{port + 1000 if port < 64000 else port - 1000}"
    if world := world_on(port):
        raise BrokerError(
            f"port {port} is held by the broker of world {world}: run  playproof down --world {world}, or {other}"
        )
    raise BrokerError(f"port {port} is taken by {owner(port) or 'another process'}: stop that, or {other}")
