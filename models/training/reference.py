"""The reference of a model that was trained before training wrote one: from the same table and seed."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import xgboost

from models.drift.reference import build_reference, encode_reference
from models.errors import ModelError
from models.registry.verify import verify_artefact
from models.training.splits import CALIBRATION, TEST, assign_blocks
from runtime.arrays import Floats


def rebuild_reference(folder: Path, table: pd.DataFrame) -> bytes:
    """Return the reference of a trusted artefact from its training table. Raises ModelError where it is another one."""
    with TemporaryDirectory() as into:
        artefact = verify_artefact(folder, Path(into))
        trained_on = artefact.manifest["trained_on"]
        if len(table) != trained_on["sessions"]:
            raise ModelError(
                f"{artefact.version} was trained on {trained_on['sessions']:,} sessions, the table has {len(table):,}: "
                f"make that of {trained_on['world']}"
            )
        (trees,) = artefact.path.glob("stages/*/model/part-*")
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(trees.read_bytes()))
    features = list(artefact.features)

    def score(rows: pd.DataFrame) -> Floats:
        values = rows[features].to_numpy(dtype=np.float32)
        scores: Floats = booster.predict(xgboost.DMatrix(values, missing=np.nan, nthread=1)).astype(np.float64)
        return scores

    block = assign_blocks(table, np.random.default_rng(trained_on["seed"]))
    unseen = table[table["label"].notna() & np.isin(block, (CALIBRATION, TEST))]
    return encode_reference(build_reference(unseen, features, score))
