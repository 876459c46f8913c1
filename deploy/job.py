"""What `spark-submit` runs: the streaming job, with the options of `playproof job run`.

    spark-submit --master spark://host:7077 --jars … deploy/job.py --world main

Playproof has to be installed where this runs. Workers get its code from the job.
"""

import sys

from ops.cli import main

sys.argv[1:1] = ["job", "run"]
main()
