"""Whether a store can be trusted: models checked, packed into one file and unpacked, and what this machine lacks."""
