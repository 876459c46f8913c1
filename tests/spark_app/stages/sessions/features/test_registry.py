"""A feature is one function and one name: registry and contract list the same ones."""

import math

import numpy as np

from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES
from spark_app.stages.sessions.features import listening, registry
from spark_app.stages.sessions.features.registry import ACCOUNT_FEATURES, FEATURES


def test_every_name_of_the_contract_has_a_function_and_every_function_a_name() -> None:
    assert sorted([*FEATURES, *ACCOUNT_FEATURES, *OWN_HISTORY_FEATURES]) == sorted(FEATURE_NAMES)


def test_private_functions_and_imported_ones_are_no_features() -> None:
    functions = registry.functions_of(listening, math, np)
    assert functions["hours"] is listening.hours
    assert "ratio" not in functions, "imported from another module"
    assert not [name for name in functions if name.startswith("_")]
