"""The models that ship: name -> SHA-256 of their manifest.json, which holds the hashes of their other files.

A model is code. One that is not in these tables loads only where the caller gives its hash. `playproof model train`
prints the line to put here.
"""

CHAMPIONS: dict[str, str] = {
    "session_xgb": "2bcb3276f516d8a8a047b13b73279e2b6f6a66bff6cd245eb86a10b69164a437",
}
"""Session scorers, saved PipelineModels: `models/registry/verify.py` verifies them."""

DRIFT_REFERENCES: dict[str, str] = {}
"""SHA-256 of `reference.json` of session scorers whose manifest does not name it: `models/drift/reference.py`."""

USER_DAY_CHAMPIONS: dict[str, str] = {
    "user_day_xgb": "e05436888ed079bab4283e9a99fc9ba4596dd4f1c814edd383d5ed958948f012",
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
    "account_window_xgb": "a83e3facd249b271d6c4677657bb2f5392ef74e677bde2fbbbcfd258a0c478c7",
}
"""Trees of the account windows: `models/account_windows/trees.py` loads them."""

ALERT_CHAMPIONS: dict[str, str] = {
    "session_alerts": "71b63f1a6c36a1d77e332ff287e145db8ebb64b3a2b87c4d95fb527c2fb6357b",
}
"""Trees of open sessions: `spark_app/stages/alerts/load.py` loads them."""

FUSION_CHAMPIONS: dict[str, str] = {
    "account_fusion": "ebcf241225871d1ff5ee289319d1bc8606fd19c1726b284b1c6d71306e8fe461",
}
"""The fusion of all detectors: `models/fusion/model.py` loads it."""
