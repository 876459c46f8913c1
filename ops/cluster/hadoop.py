"""Hadoop's name node and data node on loopback, for tests: one jar of Maven Central, fetched once and checked."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.errors import StackError
from ops.setup.jars import ivy_jar, sha256, trust_options
from ops.stack.ports import LOOPBACK, free_port
from runtime.jvm import BUNDLED_JRE, QUICK_FLAGS, find_java
from runtime.storage.bucket import service_of

MODULE = ("org.apache.hadoop", "hadoop-client-minicluster", "3.4.1")
JAR = "hadoop-client-minicluster-3.4.1.jar"
SHA256 = "5b90be54a39d856f237a4530e25f62aea4b67c180c73b5cfb1aff35c502b2d29"
BESIDES = ("hadoop-client-api-", "hadoop-client-runtime-", "slf4j-api-", "commons-codec-", "jcl-over-slf4j-")
"""Jars of pyspark that it needs."""
NAME_NODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATA_NODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
USER = "playproof"
UP_WITHIN_S = 180.0
LOOK_EVERY_S = 0.5


def fetched_jar(folder: Path) -> Path:
    """Return Hadoop's servers as one jar, fetched with the Ivy inside pyspark where it is not there yet."""
    jar = folder / JAR
    if not jar.exists():
        home = find_java()
        subprocess.run(
            [
                str(home / "bin" / "java"), *(trust_options() if home == BUNDLED_JRE else []), "-jar", str(ivy_jar()),
                "-cache", str(folder / "cache"), "-dependency", *MODULE, "-notransitive", "-confs", "master",
                "-retrieve", f"{folder}/[artifact]-[revision].[ext]",
            ],
            check=True, capture_output=True,
        )  # fmt: skip
    if sha256(jar) != SHA256:
        jar.unlink()
        raise StackError(f"{JAR} is not what was pinned: it was removed")
    return jar


class Hdfs:
    """An HDFS with one copy of each block, no Kerberos and no settings but those of a small machine."""

    def __init__(self, folder: Path, jar: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._class_path = os.pathsep.join(map(str, [folder, jar, *_of_pyspark()]))

    @property
    def address(self) -> str:
        return f"hdfs://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Format the name node, start both servers, and return once a file can be written. Raises StackError."""
        self.folder.mkdir(parents=True)
        self._write_settings()
        with (self.folder / "format.log").open("wb") as log:
            subprocess.run(
                self._command(NAME_NODE, "-format"), stdout=log, stderr=log, env=self._environment, check=True
            )
        for server in (NAME_NODE, DATA_NODE):
            with self._log(server).open("wb") as log:
                command = self._command(server)
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=self._environment))
        until = time.monotonic() + UP_WITHIN_S
        while True:
            try:
                with service_of(self.address).files().open_output_stream("/probe") as out:
                    out.write(b"probe")
            except OSError as error:
                if time.monotonic() > until or any(process.poll() is not None for process in self._processes):
                    raise StackError(f"HDFS is not up: {error}; see {self.folder}") from None
                time.sleep(LOOK_EVERY_S)
            else:
                return

    def kill(self) -> None:
        """End both servers at once."""
        for process in self._processes:
            process.kill()
            process.wait()

    def _log(self, server: str) -> Path:
        return self.folder / f"{server.rpartition('.')[2]}.log"

    def _command(self, *arguments: str) -> list[str]:
        java = str(find_java() / "bin" / "java")
        return [java, *QUICK_FLAGS.split(), "-Xmx256m", "-cp", self._class_path, *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"HADOOP_USER_NAME": USER}

    def _write_settings(self) -> None:
        data_node = {f"dfs.datanode.{of}": f"{LOOPBACK}:{free_port()}" for of in ("address", "ipc.address")}
        settings = {
            "core-site": {"fs.defaultFS": self.address, "hadoop.tmp.dir": str(self.folder / "tmp")},
            "hdfs-site": {
                "dfs.namenode.http-address": f"{LOOPBACK}:{free_port()}",
                "dfs.datanode.http.address": f"{LOOPBACK}:{free_port()}",
                **data_node,
                "dfs.namenode.name.dir": str(self.folder / "name"),
                "dfs.datanode.data.dir": str(self.folder / "data"),
                "dfs.replication": "1",
                "dfs.namenode.safemode.extension": "0",
            },
        }
        for name, values in settings.items():
            lines = (f"<property><name>{key}</name><value>{value}</value></property>" for key, value in values.items())
            (self.folder / f"{name}.xml").write_text("\n".join(["<configuration>", *lines, "</configuration>", ""]))


def _of_pyspark() -> list[Path]:
    return [jar for name in BESIDES for jar in ivy_jar().parent.glob(f"{name}*.jar")]


@contextmanager
def running_hdfs(folder: Path, jar: Path) -> Iterator[Hdfs]:
    """Run HDFS on loopback in a folder until the context ends."""
    hdfs = Hdfs(folder, jar)
    try:
        hdfs.start()
        yield hdfs
    finally:
        hdfs.kill()
