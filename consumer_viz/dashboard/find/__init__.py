"""Find an account, ring, track, artist, label, device or address by a part of its name or id."""
