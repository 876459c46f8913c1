"""An S3 on loopback for tests: SeaweedFS, from the package registry, with one bucket."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from pyarrow import fs
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from ops.stack.ports import LOOPBACK, free_port

WEED = Path(sys.executable).with_name("weed")
BUCKET = "playproof"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "of-playproof"}
WITHIN_S = 60.0
PARTS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True, slots=True)
class S3:
    """A running storage."""

    environment: Mapping[str, str]
    """What a command needs to use it."""

    @property
    def endpoint(self) -> str:
        return self.environment["AWS_ENDPOINT_URL"]

    def files(self, below: str = "") -> list[str]:
        """List the files of the bucket, by their path in it."""
        selected = fs.FileSelector(f"{BUCKET}/{below}", allow_not_found=True, recursive=True)
        listed = _client(self.endpoint).get_file_info(selected)
        return sorted(info.path.removeprefix(f"{BUCKET}/") for info in listed if info.is_file)


@contextmanager
def running_s3(folder: Path, ports: Mapping[str, int] | None = None) -> Iterator[S3]:
    """Run SeaweedFS on loopback in a folder until the context ends."""
    ports = ports or {part: free_port() for part in [*PARTS, *(f"{part}.grpc" for part in PARTS)]}
    endpoint = f"http://{LOOPBACK}:{ports['s3']}"
    flags = [f"-{name.replace('.grpc', '')}.port{'.grpc' * name.endswith('.grpc')}={p}" for name, p in ports.items()]
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    with (folder / "weed.log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(WEED), "server", "-s3", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", f"-s3.ip.bind={LOOPBACK}",
                *flags, f"-dir={folder / 'blobs'}", "-master.volumeSizeLimitMB=16", "-volume.max=0",
                "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.localSocket={folder}/s3.sock",
                f"-filer.localSocket={folder}/filer.sock",
                "-iam=false", "-master.telemetry=false",
            ],
            stdout=log, stderr=log, env=os.environ | KEYS,
        )  # fmt: skip
    try:
        _wait(endpoint, process)
        yield S3({"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", **KEYS})
    finally:
        process.kill()
        process.wait()


def make_bucket(s3: S3) -> None:
    """Make the bucket; a storage that has just started needs some time for its first one."""
    _retrying()(_client(s3.endpoint).create_dir, BUCKET)


def _client(endpoint: str) -> fs.S3FileSystem:
    return fs.S3FileSystem(
        access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=KEYS["AWS_SECRET_ACCESS_KEY"], region="us-east-1",
        endpoint_override=endpoint, allow_bucket_creation=True,
    )  # fmt: skip


def _wait(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    def ask() -> None:
        assert process.poll() is None, "SeaweedFS ended"
        with suppress(HTTPError):  # it answers, and wants a key
            urlopen(endpoint, timeout=5)

    _retrying()(ask)


def _retrying() -> Retrying:
    """Return what calls again while the storage does not answer, and raises the last error when time is up."""
    return Retrying(
        stop=stop_after_delay(WITHIN_S), wait=wait_fixed(0.1), retry=retry_if_exception_type(OSError), reraise=True
    )
