"""Messages to typed rows, or to rejected rows with a reason."""
