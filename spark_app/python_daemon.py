"""The process that forks Spark's Python workers, for short tasks: a micro-batch has a dozen of them.

With pyspark's own daemon every task, however small, cost a worker about 0.1 s of CPU, in two calls (py-spy, a job of
tiny micro-batches): `importlib.invalidate_caches()`, which reads the directories of all archives on the path again,
among them a jar of Spark with thousands of entries; and `gc.collect()` after each task, which visits all objects of all
libraries. Here no archive is on the path (pyspark is installed in the environment), and what the tasks import is loaded
before the fork and frozen: workers share it, and the collector skips it.
"""

import gc
import sys
import zipimport

sys.path[:] = [entry for entry in sys.path if not entry.endswith((".zip", ".jar"))]
for _path, _finder in list(sys.path_importer_cache.items()):
    if isinstance(_finder, zipimport.zipimporter):
        del sys.path_importer_cache[_path]

from pyspark import daemon  # noqa: E402 - from where it is installed, not from the archive

from spark_app.queries import archive  # noqa: E402, F401 - loaded for the workers
from spark_app.stages.scoring import score  # noqa: E402, F401 - the same
from spark_app.stages.session_step import operator  # noqa: E402, F401 - the same
from spark_app.stages.sessions import compute_features  # noqa: E402, F401 - the same

if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    daemon.manager()  # type: ignore[no-untyped-call]
