"""How to reach a bucket: endpoint and region from the usual variables, keys as every S3 client finds them.

Three programs read and write there: pyarrow, `deltalake`, and Spark's JVM. They get the same endpoint and region. None
is given a key: each looks for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or the machine's role.
What only some of them would find, a profile in ~/.aws or a web identity, is named where the others fail.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlparse

from runtime.errors import StorageError
from runtime.storage.s3_answers import reason_of

if TYPE_CHECKING:
    from pyarrow import fs

SCHEME, SPARK_SCHEME = "s3://", "s3a://"
CONNECT_S, REQUEST_S = 5, 20
"""How long pyarrow waits for a connection, and for an answer."""
ATTEMPTS = 5
RETRY_S = 60
"""How long a commit to a table is tried, where the storage does not answer."""


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
        return reason_of(error, self.url, self.region)

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
            options["aws_endpoint"] = f"https://s3.{self.region}.amazonaws.com{'.cn' * self.region.startswith('cn-')}"
        if self.region:
            options["aws_region"] = self.region
        return options

    def for_spark(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return Spark's settings for addresses that begin with s3a://, and for checkpoints there.

        Raises StorageError where the environment has a web identity and no key: Hadoop's client would not find it.
        """
        if "AWS_WEB_IDENTITY_TOKEN_FILE" in environment and "AWS_ACCESS_KEY_ID" not in environment:
            raise StorageError(
                "Spark cannot use a web identity (AWS_WEB_IDENTITY_TOKEN_FILE) for the bucket: set AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY, or give the pods a role with EKS Pod Identity (docs/reference/storage.md)"
            )
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
