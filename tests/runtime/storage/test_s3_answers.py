"""What an S3 storage may answer, or a key may lack: one line names what to look at, whatever client asks."""

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyarrow import fs

from runtime.errors import StorageError
from runtime.resources import CODE
from runtime.storage import s3
from runtime.storage.s3 import Endpoint
from tests.certificates import Authority

ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"
HERE, THERE = "us-east-1", "eu-central-1"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up."""


@contextmanager
def storage(status: int, body: str = "", context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve one answer to every request; yield the address. A HEAD has no body, as with every storage."""

    class Answer(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            content = b"" if self.command == "HEAD" else body.encode()
            self.send_response(status)
            self.send_header("x-amz-bucket-region", THERE if status in (301, 400) else HERE)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Answer)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in KEYS:
        monkeypatch.setenv(name, "a-key")
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    monkeypatch.setattr(s3, "RETRY_S", 1)
    s3.filesystem.cache_clear()
    yield
    s3.filesystem.cache_clear()


def reason(endpoint: Endpoint, use: Callable[[], object]) -> str:
    with pytest.raises(OSError, match="rror") as caught:
        use()
    return endpoint.reason_of(str(caught.value))


def of_arrow(endpoint: Endpoint) -> str:
    return reason(endpoint, lambda: endpoint.files().get_file_info(fs.FileSelector("bucket/world", True)))


def of_arrow_without_a_body(endpoint: Endpoint) -> str:
    return reason(endpoint, lambda: endpoint.files().get_file_info("bucket/world"))


def of_delta(endpoint: Endpoint) -> str:
    return reason(endpoint, lambda: DeltaTable("s3://bucket/world", storage_options=endpoint.for_delta()))


CLIENTS = [of_arrow, of_arrow_without_a_body, of_delta]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("status", "code", "message"),
    [(301, "PermanentRedirect", "use its endpoint"), (400, "AuthorizationHeaderMalformed", f"expecting '{THERE}'")],
)
def test_the_bucket_of_another_region_names_the_setting(client: Any, status: int, code: str, message: str) -> None:
    with storage(status, ERROR.format(code, message)) as url:
        line = client(Endpoint(url, HERE))
    assert line.startswith("is in region ")
    assert line.endswith(f": set AWS_REGION to it, now '{HERE}'")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_key_without_the_right_is_refused_by_each_client(client: Any) -> None:
    with storage(403, ERROR.format("AccessDenied", "not authorized to perform: s3:PutObject")) as url:
        line = client(Endpoint(url, HERE))
    assert line.startswith("is refused")
    assert "the rights of that key" in line


@pytest.mark.parametrize("client", [of_arrow, of_delta])
def test_a_session_token_that_is_over_is_named(client: Any) -> None:
    with storage(400, ERROR.format("ExpiredToken", "The provided token has expired.")) as url:
        assert client(Endpoint(url, HERE)).startswith("is refused: the session token is wrong or over; set AWS_SESSION")


@pytest.mark.parametrize("client", [of_arrow, of_delta])
def test_an_answer_that_nobody_knows_is_named_by_its_code(client: Any) -> None:
    with storage(409, ERROR.format("OperationAborted", "try again")) as url:
        assert client(Endpoint(url, HERE)) == f"cannot be used (OperationAborted): look at the storage at {url}"


def test_a_key_that_only_a_profile_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow reads ~/.aws; `deltalake` asks the machine for a role."""
    for name in KEYS:
        monkeypatch.delenv(name)
    with storage(404) as url:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", url)
        line = of_delta(Endpoint(url, HERE))
    assert line.startswith("cannot be used without a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (a profile")


def test_an_authority_of_ones_own_is_named_and_trusted_by_its_file(tmp_path: Path) -> None:
    authority = Authority.make("of this house")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certify("storage").write_pem(tmp_path / "server.pem"))
    with storage(403, ERROR.format("AccessDenied", "no"), context) as url:
        for client in (of_arrow, of_delta):
            assert client(Endpoint(url, HERE)) == (
                f"cannot be reached: the certificate of {url} is not trusted; name the file of its authority with "
                "SSL_CERT_FILE (docs/reference/storage.md)"
            )
        # pyarrow reads the variable when it is loaded
        trusting = os.environ | {"SSL_CERT_FILE": str(authority.write_pem(tmp_path / "authority.pem"))}
        asked = (
            "from tests.runtime.storage.test_s3_answers import of_arrow, of_delta, Endpoint\n"
            f"for client in (of_arrow, of_delta): print(client(Endpoint({url!r}, {HERE!r})))"
        )
        command = [sys.executable, "-c", asked]
        done = subprocess.run(command, env=trusting, cwd=CODE, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all(line.startswith("is refused") for line in lines), "both were let in, and answered"


def test_a_web_identity_is_refused_before_spark_starts() -> None:
    identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/job"}
    with pytest.raises(StorageError, match=r"web identity [(]AWS_WEB_IDENTITY_TOKEN_FILE[)] for"):
        Endpoint("", HERE).for_spark(identity)
    assert Endpoint("", HERE).for_spark(identity | {"AWS_ACCESS_KEY_ID": "a"}) == Endpoint("", HERE).for_spark({})


def test_an_address_in_china_has_the_name_that_it_has_there() -> None:
    assert Endpoint("", "cn-north-1").for_delta()["aws_endpoint"] == "https://s3.cn-north-1.amazonaws.com.cn"
