"""Who gets in, and how much of the node he may have."""
