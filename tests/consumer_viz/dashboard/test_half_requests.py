"""A connection with half of a request is closed in time; one whose request is whole waits for its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from tenacity import retry, stop_after_delay, wait_fixed

from consumer_viz.dashboard.half_requests import TimedRequests

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never-Ends: "
WHOLE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
FORM = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf"
SOON_S, NEVER_S = 0.3, 3600.0


@contextmanager
def connected(within_s: float) -> Iterator[tuple[socket.socket, list[TimedRequests]]]:
    """Connect to a server that waits so long for a request; yields the connection and the server's side of it."""
    app, sides = FastAPI(), list[TimedRequests]()

    @app.get("/")
    async def answer() -> PlainTextResponse:
        return PlainTextResponse("whole")

    class Recorded(TimedRequests):
        def connection_made(self, transport: object) -> None:
            self.within_s = within_s
            sides.append(self)
            super().connection_made(transport)  # type: ignore[arg-type]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="error", http=Recorded, timeout_graceful_shutdown=1, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with socket.create_connection(listening.getsockname(), timeout=120) as connection:
                yield connection, sides
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("sent", [b"", b"GET", HALF, FORM])
def test_what_is_no_whole_request_is_closed(sent: bytes) -> None:
    with connected(SOON_S) as (connection, _):
        connection.sendall(sent)
        while connection.recv(4096):
            pass


def test_a_whole_request_is_waited_for_no_more_and_half_of_the_next_one_is() -> None:
    with connected(NEVER_S) as (connection, sides):
        connection.sendall(WHOLE)
        answer = b""
        while not answer.endswith(b"whole"):
            answer += connection.recv(4096)
        assert sides[0]._too_late is None
        connection.sendall(HALF)
        _wait_until_waiting(sides[0])


@retry(stop=stop_after_delay(120), wait=wait_fixed(0.05), reraise=True)
def _wait_until_waiting(side: TimedRequests) -> None:
    assert side._too_late is not None
