"""The quality page: what verdicts say about the flags."""
