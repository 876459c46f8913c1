"""Pure functions DataFrame -> DataFrame: no session, path, config or clock inside; they run on batch and stream alike."""
