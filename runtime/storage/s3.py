"""How to reach a bucket: endpoint and region from the usual variables, keys as every S3 client finds them.

Three programs read and write there: pyarrow, `deltalake`, and Spark's JVM. They get the same endpoint and region. None
is given a key: each looks for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or the machine's role.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlparse

from runtime.errors import StorageError

if TYPE_CHECKING:
    from pyarrow import fs

SCHEME, SPARK_SCHEME = "s3://", "s3a://"
CONNECT_S, REQUEST_S = 5, 20
"""How long pyarrow waits for a connection, and for an answer."""
ATTEMPTS = 5
RETRY_S = 60
"""How long a commit to a table is tried, where the storage does not answer."""
_REFUSED = (
    "ACCESS_DENIED",
    "SIGNATURE_DOES_NOT_MATCH",
    "SignatureDoesNotMatch",
    "INVALID_ACCESS_KEY",
    "InvalidAccessKey",
)
_CODE = re.compile(r"AWS Error ([A-Z_]+)")
_STATUS = re.compile(r"HTTP status (\d{3})|HTTP response code (\d{3})|status: (\d{3})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the buckets are; empty: at Amazon."""

    url: str = ""
    region: str = ""
    jars: ClassVar[tuple[str, ...]] = ("storage",)
    """Configurations of ivy.xml that Spark needs for it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Endpoint":
        """Read AWS_ENDPOINT_URL and AWS_REGION, or what else AWS calls them."""
        url = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL", "")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        if url and urlparse(url).scheme not in ("http", "https"):
            raise StorageError(f"AWS_ENDPOINT_URL: {url!r} is no address, as https://s3.example.com")
        return cls(url.rstrip("/"), region or ("us-east-1" if url else ""))

    def files(self) -> "fs.FileSystem":
        """Return the file system of the buckets."""
        return filesystem(self)

    def path_of(self, address: str) -> str:
        """Return the path of an address in its file system."""
        return address.removeprefix(SCHEME)

    def spark_address(self, address: str) -> str:
        """Return an address as Spark names it."""
        return address.replace(SCHEME, SPARK_SCHEME, 1)

    def for_workers(self) -> dict[str, str]:
        """Return the variables that a worker needs; keys are not sent."""
        variables = {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": self.region}
        return {name: value for name, value in variables.items() if value}

    def require(self, address: str) -> None:
        """Raise StorageError where the bucket of an address is not there; it is asked until it was there once."""
        _require_bucket(self, self.path_of(address).partition("/")[0])

    def reason_of(self, error: str) -> str:
        """Say why it refused or did not answer, from a client's error."""
        return reason_of(error, self)

    def for_delta(self) -> dict[str, str]:
        """Return the options of `deltalake`.

        It would take an AWS_ENDPOINT_URL that is empty for an address, so it is told Amazon's.

        >>> Endpoint("", "eu-central-1").for_delta()["aws_endpoint"]
        'https://s3.eu-central-1.amazonaws.com'
        """
        options = {"timeout": f"{REQUEST_S}s", "connect_timeout": f"{CONNECT_S}s", "retry_timeout": f"{RETRY_S}s"}
        if self.url:
            options |= {"aws_endpoint": self.url, "aws_allow_http": str(self.url.startswith("http://")).lower()}
        elif self.region:
            options["aws_endpoint"] = f"https://s3.{self.region}.amazonaws.com"
        if self.region:
            options["aws_region"] = self.region
        return options

    def for_spark(self) -> dict[str, str]:
        """Return Spark's settings for addresses that begin with s3a://, and for checkpoints there."""
        settings = {
            # a bucket has no rename: a file of a checkpoint is there when its upload is complete
            "spark.sql.streaming.checkpointFileManagerClass": (
                "org.apache.spark.internal.io.cloud.AbortableStreamBasedCheckpointFileManager"
            ),
            # folders are no objects, and Spark writes many small files
            "spark.hadoop.fs.s3a.change.detection.mode": "none",
            "spark.hadoop.fs.s3a.connection.establish.timeout": f"{CONNECT_S}s",
        }
        if self.url:
            settings |= {
                "spark.hadoop.fs.s3a.endpoint": self.url,
                "spark.hadoop.fs.s3a.path.style.access": "true",
                "spark.hadoop.fs.s3a.connection.ssl.enabled": str(self.url.startswith("https://")).lower(),
            }
        if self.region:
            settings["spark.hadoop.fs.s3a.endpoint.region"] = self.region
        return settings


@lru_cache(maxsize=8)
def filesystem(endpoint: Endpoint) -> "fs.FileSystem":
    """Return the file system of the buckets, one per process: it keeps its connections."""
    from pyarrow import fs

    options: dict[str, Any] = {"endpoint_override": endpoint.url} if endpoint.url else {}
    if endpoint.region:
        options["region"] = endpoint.region
    return fs.S3FileSystem(
        **options,
        connect_timeout=CONNECT_S,
        request_timeout=REQUEST_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


@lru_cache(maxsize=8)
def _require_bucket(endpoint: Endpoint, bucket: str) -> None:
    if endpoint.files().get_file_info(bucket).type.name == "NotFound":
        raise StorageError(
            f"there is no bucket {bucket} at {endpoint.url or 'Amazon'}: make it, look at AWS_ENDPOINT_URL, or choose "
            "another one with PLAYPROOF_STORAGE"
        )


def reason_of(error: str, endpoint: Endpoint) -> str:
    """Say why a storage refused or did not answer, from a client's error.

    >>> reason_of("AWS Error ACCESS_DENIED during HeadBucket operation: HTTP response code 403", Endpoint())
    'is refused (403): look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the rights of that key, and the clock here'
    """
    where = endpoint.url or "Amazon"
    match = _STATUS.search(error)
    status = next(filter(None, match.groups()), "") if match else ""
    if status in ("401", "403") or any(word in error for word in _REFUSED):
        code = f" ({status})" if status else ""
        look_at = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the rights of that key, and the clock here"
        return f"is refused{code}: look at {look_at}"
    if "NETWORK_CONNECTION" in error or "timed out" in error.lower() or "error sending request" in error:
        return f"cannot be reached: {where} does not answer; look at AWS_ENDPOINT_URL, and whether the storage runs"
    if "credential" in error.lower():
        return "cannot be used without a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    named_code = _CODE.search(error)
    cause = named_code.group(1) if named_code else error.splitlines()[0][:200]
    return f"cannot be used ({cause}): look at the storage at {where}"
