"""Server-sent events: what changes, sent to every open page."""
