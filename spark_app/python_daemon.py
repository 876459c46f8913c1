"""The process that forks Spark's Python workers, made for short tasks: a micro-batch has a dozen of them.

Under pyspark's own daemon every task, however small, cost a worker about 0.1 s of CPU, in two places (py-spy, a job of
tiny micro-batches): in `importlib.invalidate_caches()`, which reads the directories of all archives on the path again,
among them a jar of Spark with thousands of entries; and in the `gc.collect()` behind each task, which walks all objects
of all libraries. Here no archive is on the path (pyspark is installed beside us), and what the tasks import is loaded
before the fork and frozen: workers share it, and the collector leaves it alone.
"""

import gc
import sys
import zipimport

sys.path[:] = [place for place in sys.path if not place.endswith((".zip", ".jar"))]
for _place, _finder in list(sys.path_importer_cache.items()):
    if isinstance(_finder, zipimport.zipimporter):
        del sys.path_importer_cache[_place]

from pyspark import daemon  # noqa: E402 - from where it is installed, not from the archive

from spark_app.queries import archive  # noqa: E402, F401 - loaded for the workers
from spark_app.stages.scoring import score  # noqa: E402, F401 - likewise
from spark_app.stages.sessions import compute_features  # noqa: E402, F401 - likewise

if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    daemon.manager()  # type: ignore[no-untyped-call]
