"""The same numbers on every machine: numpy computes as the C library does, also where the processor has AVX-512."""

import os
import subprocess
import sys

import pytest

COMPUTES = """
import math
import {module}
import numpy as np
drawn = np.random.default_rng(1).random(20_000) + 1e-9
assert np.exp(drawn).tolist() == [math.exp(x) for x in drawn.tolist()]
assert np.log(drawn).tolist() == [math.log(x) for x in drawn.tolist()]
assert np.log1p(drawn).tolist() == [math.log1p(x) for x in drawn.tolist()]
assert np.power(drawn, 1.7).tolist() == [math.pow(x, 1.7) for x in drawn.tolist()]
"""


@pytest.mark.parametrize("module", ["ops.cli", "producer.simulator.build", "spark_app.python_daemon"])
def test_arrays_are_computed_as_single_numbers_are(module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NPY_DISABLE_CPU_FEATURES"}
    code = COMPUTES.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
