"""One file = one query = one name = one checkpoint. Each returns an unstarted writer."""
