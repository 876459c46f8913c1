"""Pure functions DataFrame -> DataFrame: no session, path, config or clock; they run on both batch and stream."""
