"""Page Health: whether the pipeline keeps up."""
