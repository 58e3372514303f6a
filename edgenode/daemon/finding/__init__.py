"""Finding peers, joined to the node."""
