"""The alert rules, run by Prometheus's own tool on series of which each rule is to fire or not."""

import subprocess

import pytest

from runtime.resources import CODE as ROOT
from tests.ops.promtool.conftest import PROMTOOL


@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_the_rules_are_valid_and_fire_when_they_are_to(command: tuple[str, ...]) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *command], cwd=ROOT / "observability", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
