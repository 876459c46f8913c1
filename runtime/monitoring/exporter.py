"""The address at which a program serves its metrics: the job, the replay, the live plot and the analyst's pages."""

import sys

from prometheus_client import CollectorRegistry, disable_created_metrics, start_http_server

LOOPBACK = "127.0.0.1"
# else each counter has a gauge with the time of its creation, which nobody reads
disable_created_metrics()  # type: ignore[no-untyped-call]


def serve_metrics(registry: CollectorRegistry, port: int, address: str = LOOPBACK) -> None:
    """Serve the metrics of a registry until the process ends.

    Where the port is taken, print one line and go on: another program of the same kind may be running.
    """
    try:
        start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        print(
            f"no metrics: port {port} is not free at {address} ({error.strerror}): choose another with  "
            "PLAYPROOF_METRICS_PORT  or  PLAYPROOF_METRICS_ADDRESS",
            file=sys.stderr,
            flush=True,
        )
