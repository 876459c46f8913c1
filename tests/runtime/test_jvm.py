"""What a Java that we start takes from the environment."""

import os
import subprocess
import sys

import pytest

from runtime.resources import CODE

CODE_OF_A_START = """
import subprocess
from runtime.jvm import find_java, read_names_as_utf8
read_names_as_utf8()
subprocess.run([find_java() / "bin" / "java", "-XshowSettings:properties", "-version"], check=True)
"""


@pytest.mark.parametrize("locale", ["C", "POSIX", "xx_XX.UTF-8", "C.UTF-8"])
def test_java_reads_every_name_of_a_file_in_any_locale(locale: str) -> None:
    environment = os.environ | {"LC_ALL": locale, "PYTHONPATH": str(CODE)}
    command = [sys.executable, "-c", CODE_OF_A_START]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "sun.jnu.encoding = UTF-8" in done.stderr
