"""The models that ship: name -> SHA-256 of their manifest.json, which in turn names the hash of every file.

A model is code: what is not in this table loads only with its hash given. `python -m models train` prints the line
to put here.
"""

CHAMPIONS: dict[str, str] = {
    "session_xgb": "886a993337f3ac5351d3108a886b9bef71fe75b4b6a1a13c92222b32aa5b85a0",
}
