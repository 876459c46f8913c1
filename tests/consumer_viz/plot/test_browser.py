"""The live plot as a page: what it serves, and whom it answers."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from consumer_viz.plot.frontends import browser
from consumer_viz.plot.viewer import Viewer
from tests.consumer_viz.conftest import FakeFeed, Listen
from tests.flow.stage import WITHIN_S

OPEN = 101
"""Status of an answer that opens a socket."""


@contextmanager
def served(feed: FakeFeed, zone: ZoneInfo) -> Iterator[str]:
    """Serve the plot of a feed as a page for the length of a `with` block; yield the address that it reports."""
    reported: list[str] = []
    has_address = threading.Event()

    def report(line: str) -> None:
        reported.append(line)
        has_address.set()

    viewer = Viewer(feed, zone, report=report)
    thread = threading.Thread(target=browser.show, args=(viewer,))
    thread.start()
    try:
        assert has_address.wait(WITHIN_S)
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/\d+", reported[0])
        yield address
    finally:
        viewer.stop.set()
        thread.join(WITHIN_S)
    assert not thread.is_alive()


def socket_of(address: str) -> str:
    return f"{address.replace('http', 'ws', 1)}/ws"


def test_the_page_serves_pictures_on_loopback_and_ends_when_it_is_stopped(listen: Listen, zone: ZoneInfo) -> None:
    with served(listen(), zone) as address:
        page, png = asyncio.run(_visit(address))
    assert b'<meta name="viewport" content="width=1220">' in page, "a telephone shows all of the picture"
    assert png.startswith(b"\x89PNG")


async def _visit(address: str) -> tuple[bytes, bytes]:
    """Load the page and ask its socket for a picture, as the page's script does."""
    page = await AsyncHTTPClient().fetch(address)
    socket = await websocket_connect(socket_of(address))
    await socket.write_message('{"type": "send_image_mode"}')
    await socket.write_message('{"type": "refresh"}')
    await socket.write_message('{"type": "draw"}')
    while isinstance(message := await socket.read_message(), str):
        pass
    socket.close()
    return page.body, message


def test_the_page_and_its_socket_answer_for_names_of_loopback_and_to_their_own_page_only(
    listen: Listen, zone: ZoneInfo
) -> None:
    with served(listen(), zone) as address:
        base, _, figure = address.rpartition("/")
        port = base.rpartition(":")[2]
        paths = (f"/{figure}", "/", f"/{figure}/download.png", "/js/mpl.js", "/_static/css/page.css")
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            assert asyncio.run(_statuses(base, paths, host)) == [200] * len(paths), host
            assert asyncio.run(_status_of_socket(address, host, f"http://{host}")) == OPEN
            assert asyncio.run(_status_of_socket(address, host, "http://evil.example")) == 403
        for host in ("evil.example", f"127.0.0.1.evil.example:{port}"):
            assert asyncio.run(_statuses(base, paths, host)) == [browser.MISDIRECTED] * len(paths), host
            assert asyncio.run(_status_of_socket(address, host, f"http://{host}")) == browser.MISDIRECTED


async def _statuses(base: str, paths: tuple[str, ...], host: str) -> list[int]:
    client = AsyncHTTPClient()
    answers = [await client.fetch(base + path, headers={"Host": host}, raise_error=False) for path in paths]
    return [answer.code for answer in answers]


async def _status_of_socket(address: str, host: str, origin: str) -> int:
    try:
        socket = await websocket_connect(HTTPRequest(socket_of(address), headers={"Host": host, "Origin": origin}))
    except HTTPClientError as refused:
        return int(refused.code)
    socket.close()
    return OPEN
