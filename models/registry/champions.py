"""The models that ship: name -> SHA-256 of their manifest.json, which holds the hashes of their other files.

A model is code. One that is not in these tables loads only where the caller gives its hash. `playproof model train`
prints the line to put here.
"""

CHAMPIONS: dict[str, str] = {
    "session_xgb": "345e561301056f2f91fed645f7c9ecd136a84f4edc4fb91a0d3fa6530d37c9ea",
}
"""Session scorers, saved PipelineModels: `models/registry/verify.py` verifies them."""

DRIFT_REFERENCES: dict[str, str] = {}
"""SHA-256 of `reference.json` of session scorers whose manifest does not name it: `models/drift/reference.py`."""

USER_DAY_CHAMPIONS: dict[str, str] = {
    "user_day_xgb": "6a4d1dafa51cc5ade1b7792ccbb6e06107217610102d22a0086e01cc677bdde1",
}
"""Trees of the user-day detector: `models/user_days/trees.py` loads them."""

CATEGORY_CHAMPIONS: dict[str, str] = {
    "user_day_categories": "d448787abc2852e372c6256ac300132dea9d62eb3e0e30be24203b8b6adf2a92",
}
"""Categories of suspected user-days: `models/user_days/categories.py` loads them."""

SHOP_CHAMPIONS: dict[str, str] = {
    "shop_gbt": "7a6b3f8a307396adf2ee6bd8196b394aeff9cca55648cf5b3d094fedd41fed33",
}
"""Models of the shop's sessions, saved PipelineModels: `spark_app/shop/predictions.py` loads them."""

FOREST_REFERENCE = "495ce1f5329a49c741535665aff10ce6699a4f0fc4718da61b3c04d0fe1c99d7"
"""SHA-256 of `artifacts/user_day_forest/reference.parquet`, honest days that a forest for few people is fitted on."""

WINDOW_CHAMPIONS: dict[str, str] = {
    "account_window_xgb": "df940e46415f3eee105b529714f746f96d3909b5efa7a0a9523390343a20781c",
}
"""Trees of the account windows: `models/account_windows/trees.py` loads them."""

ALERT_CHAMPIONS: dict[str, str] = {
    "session_alerts": "bc9beb0653647b4068157b3e7061a088e8b291e46e06f829c2a7b9394ef304e4",
}
"""Trees of open sessions: `spark_app/stages/alerts/load.py` loads them."""

FUSION_CHAMPIONS: dict[str, str] = {
    "account_fusion": "53be5d4f037a572ea942146610adc278c9ceae3b64bf01de3cdf253eacdd9129",
}
"""The fusion of all detectors: `models/fusion/model.py` loads it."""
