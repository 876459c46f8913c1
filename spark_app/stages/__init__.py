"""Pure functions DataFrame -> DataFrame: no session, path, config or clock; they run on batch and stream alike."""
