"""The models that ship: name -> SHA-256 of their manifest.json, which in turn names the hash of every file.

A model is code: what is not in this table loads only with its hash given. `python -m models train` prints the line
to put here.
"""

CHAMPIONS: dict[str, str] = {
    "session_xgb": "149f62059a0a905c3a18509e331b9c1a0fe67efe4da9a3db2819f394ba9455dd",
}
